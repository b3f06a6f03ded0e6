"""Queries that users left to run: a few threads of this process, files in the state folder, phases in the database."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from app.domain.clients import digest_of
from app.domain.errors import ConflictError, QueryError, SosError
from app.domain.quotas import USUAL_QUERIES, QueryQuota
from app.domain.tap_jobs import Phase, TapJob
from app.storage import tap_jobs
from app.storage.engine import Database

USUAL_SECONDS = 600
MOST_SECONDS = 3_600
USUAL_KEPT = timedelta(days=2)
LONGEST_KEPT = timedelta(days=7)
LARGEST_ANSWER = 16 * 2**30

# Opens the answer to a job: its media type and pieces. It is told how to say which transaction runs it.
Answer: TypeAlias = Callable[
    [TapJob, Mapping[str, bytes], Callable[[str], None]], tuple[str, AbstractContextManager["Pieces"]]
]
_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_log = logging.getLogger(__name__)


class Pieces(Protocol):
    """The pieces of an answer, and the version that it is from."""

    version: int

    def __iter__(self) -> Iterator[bytes]:
        """Yield them."""


class TapJobs:
    """Jobs; whoever knows the id of one may do anything with it, and nobody can guess an id.

    Args:
        database: where jobs are kept.
        folder: where their tables and answers are kept, a folder a job.
        threads: how many run side by side in this process.
        quota: how many a client may have.
    """

    def __init__(self, database: Database, folder: Path, *, threads: int, quota: QueryQuota = USUAL_QUERIES) -> None:
        self._database = database
        self._folder = folder
        self._quota = quota
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tap")
        self._running: set[str] = set()

    def close(self) -> None:
        """Stop taking jobs; those that run are stopped by the end of their connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._database.dispose()

    def create(self, parameters: dict[str, str], files: Mapping[str, bytes], *, client: str | None = None) -> TapJob:
        """Add a job with the files that came with it; it waits to be started.

        Args:
            parameters: of the request.
            files: that came with it, by the name of their part.
            client: who asks, by whom jobs are counted; None for nobody who is counted.

        Raises:
            TooManyRequestsError: the client has as many jobs as it may, or they hold as much.
        """
        self._tidy()
        job_id = secrets.token_urlsafe(16)
        try:
            self._receive(job_id, files)
            self._add(job_id, parameters, sum(map(len, files.values())), client)
        except BaseException:
            self._forget(job_id)
            raise
        return self.get(job_id)

    def get(self, job_id: str) -> TapJob:
        """Return a job as it is now.

        Raises:
            NotFoundError: there is no such job.
        """
        with self._database.begin() as connection:
            lost = tap_jobs.bury(connection, tuple(self._running))
            job = tap_jobs.get(connection, job_id)
        self._discard_answers(lost)
        return job

    def files(self, job_id: str) -> dict[str, bytes]:
        """Return the files that came with a job, by the name of their part."""
        found = sorted((self._folder / job_id).glob("*.upload"))
        return {file.with_suffix(".name").read_text(encoding="utf-8"): file.read_bytes() for file in found}

    def change(self, job_id: str, **values: Any) -> None:
        """Change what a job is to do, before it is started.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has been started.
        """
        with self._database.begin() as connection:
            tap_jobs.get(connection, job_id)
            tap_jobs.change(connection, job_id, **values)

    def keep_until(self, job_id: str, moment: datetime) -> None:
        """Say until when a job is kept, at most a week from now."""
        with self._database.begin() as connection:
            tap_jobs.get(connection, job_id)
            latest = min(moment, datetime.now(UTC) + LONGEST_KEPT)
            tap_jobs.change(connection, job_id, while_pending=False, destruction_at=latest)

    def start(self, job_id: str, answer: Answer) -> None:
        """Let a job run as soon as a thread is free.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has been started before.
        """
        self.change(job_id, phase=Phase.QUEUED)
        self._pool.submit(self._run_next, answer)

    def abort(self, job_id: str) -> None:
        """Stop a job, in whichever process it runs."""
        with self._database.begin() as connection:
            tap_jobs.get(connection, job_id)
            tap_jobs.abort(connection, job_id)

    def delete(self, job_id: str) -> None:
        """Stop a job and forget it with its files."""
        self.abort(job_id)
        with self._database.begin() as connection:
            tap_jobs.remove(connection, job_id)
        self._forget(job_id)

    def result(self, job_id: str) -> tuple[Path, str, int | None]:
        """Return the file that holds a job's answer, its media type, and the version that it is from.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has no answer.
        """
        job = self.get(job_id)
        if job.phase is not Phase.COMPLETED or job.media_type is None:
            raise ConflictError(f"job {job_id} is {job.phase}: {job.problem or 'it has no answer'}")
        return self._answer_of(job_id), job.media_type, job.version

    def _tidy(self) -> None:
        """Forget the jobs whose time is over, and end those that nobody runs any more: neither takes a place."""
        with self._database.begin() as connection:
            gone = tap_jobs.remove_expired(connection)
            lost = tap_jobs.bury(connection, tuple(self._running))
        for one in gone:
            self._forget(one)
        self._discard_answers(lost)

    def _receive(self, job_id: str, files: Mapping[str, bytes]) -> None:
        folder = self._folder / job_id
        folder.mkdir(parents=True)
        for place, (name, content) in enumerate(files.items()):
            (folder / f"{place}.name").write_text(name, encoding="utf-8")
            (folder / f"{place}.upload").write_bytes(content)

    def _add(self, job_id: str, parameters: dict[str, str], size: int, client: str | None) -> None:
        who = None if client is None else digest_of(client)
        with self._database.begin() as connection:
            if who is not None:
                text = sum(len(value.encode()) for value in parameters.values())
                tap_jobs.insist_on_quota(connection, who, self._quota, size=size + text)
            tap_jobs.create(
                connection,
                job_id,
                parameters=parameters,
                seconds=USUAL_SECONDS,
                destruction_at=datetime.now(UTC) + USUAL_KEPT,
                client=who,
                size=size,
            )

    def _answer_of(self, job_id: str) -> Path:
        return self._folder / job_id / "answer"

    def _discard_answers(self, job_ids: Iterable[str]) -> None:
        """Remove what there is of answers that nobody will ever get."""
        for job_id in job_ids:
            self._answer_of(job_id).unlink(missing_ok=True)

    def _forget(self, job_id: str) -> None:
        if _ID.fullmatch(job_id):
            shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def _run_next(self, answer: Answer) -> None:
        with self._database.begin() as connection:
            job_id = tap_jobs.claim(connection)
        if job_id is None:
            return
        self._running.add(job_id)
        try:
            self._run(self.get(job_id), answer)
        except SosError as error:
            self._fail(job_id, str(error))
        except Exception:  # noqa: BLE001 - whatever it is, the job has ended and its user is told
            _log.exception("job %s failed", job_id)
            self._fail(job_id, "this is a fault of the service; its log says more")
        finally:
            self._running.discard(job_id)

    def _run(self, job: TapJob, answer: Answer) -> None:
        def started(backend: str) -> None:
            with self._database.begin() as connection:
                if not tap_jobs.started(connection, job.job_id, backend):
                    raise QueryError("the job was stopped")

        room = self._room(job.job_id)
        media_type, opening = answer(job, self.files(job.job_id), started)
        with opening as pieces, self._answer_of(job.job_id).open("wb") as file:
            size = 0
            for piece in pieces:
                size += file.write(piece)
                if size > LARGEST_ANSWER:
                    raise QueryError(f"the answer is larger than {LARGEST_ANSWER // 2**30} GiB: ask for less")
                if size > room:
                    most = f"{self._quota.bytes >> 20:,} MiB"
                    raise QueryError(
                        f"with this answer your jobs would hold more than {most}: delete one, or ask for less"
                    )
            file.flush()
            # While the transaction is still open: a job whose transaction is gone counts as lost.
            facts = {"media_type": media_type, "version": pieces.version, "size": size}
            if not self._finish(job.job_id, Phase.COMPLETED, **facts):
                raise QueryError("the job was stopped")

    def _room(self, job_id: str) -> int:
        """Return how large the answer to a job may be; those that run side by side each get all that is left."""
        with self._database.connect() as connection:
            held = tap_jobs.held_with(connection, job_id)
        return LARGEST_ANSWER if held is None else self._quota.bytes - held

    def _fail(self, job_id: str, problem: str) -> None:
        self._discard_answers([job_id])
        self._finish(job_id, Phase.ERROR, problem=problem)

    def _finish(self, job_id: str, phase: Phase, **facts: Any) -> bool:
        with self._database.begin() as connection:
            return tap_jobs.finish(connection, job_id, phase, **facts)
