"""Jobs of queries that users left to run, as rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from app.domain.errors import ConflictError, NotFoundError, TooManyRequestsError
from app.domain.quotas import QueryQuota
from app.domain.tap_jobs import Phase, TapJob
from app.storage.queries import queries
from app.storage.tables import TapJobRow

SOON_S = 60
_QUERIES = queries("tap_jobs")
_COLUMNS = [TapJobRow.__table__.c[field.name] for field in fields(TapJob)]


def create(
    connection: Connection,
    job_id: str,
    *,
    parameters: dict[str, str],
    seconds: int,
    destruction_at: datetime,
    client: str | None = None,
    size: int = 0,
) -> None:
    """Add a job that waits for its user to start it, of a client or of nobody who is counted; `size` of its files."""
    row = {"job_id": job_id, "phase": Phase.PENDING, "run_id": parameters.get("RUNID"), "parameters": parameters}
    times = {"execution_seconds": seconds, "destruction_at": destruction_at}
    connection.execute(insert(TapJobRow).values(**row, **times, client=client, bytes=size))


def insist_on_quota(connection: Connection, client: str, quota: QueryQuota, *, size: int) -> None:
    """Insist that a client may have one more job; nobody else is counted until the caller's transaction ends.

    Args:
        connection: whose transaction adds the job.
        client: its digest.
        quota: what it may have.
        size: of what comes with the job, files and parameters, in bytes.

    Raises:
        TooManyRequestsError: it has as many as it may, or as much; says when the first of them goes.
    """
    connection.exec_driver_sql(_QUERIES["lock"])
    held = connection.exec_driver_sql(_QUERIES["held"], {"client": client}).one()
    if held.open >= quota.at_once:
        problem = (
            f"{held.open} of your jobs have not ended, and no more than {quota.at_once} may be at once: "
            "wait for one, abort or delete one"
        )
        raise TooManyRequestsError(problem, retry_after_s=SOON_S)
    wait = max(math.ceil(held.seconds), 1)
    if held.kept >= quota.kept:
        problem = f"{held.kept} of your jobs are kept, and no more than {quota.kept} may be: delete one"
        raise TooManyRequestsError(problem, retry_after_s=wait)
    if held.kept and held.bytes + size > quota.bytes:  # a first one always has room
        problem = f"with this job yours would hold more than {quota.bytes >> 20:,} MiB: delete one"
        raise TooManyRequestsError(problem, retry_after_s=wait)


def held_with(connection: Connection, job_id: str) -> int | None:
    """Return the bytes that the client of a job has, None where nobody counts them."""
    held: int | None = connection.exec_driver_sql(_QUERIES["held_with"], {"job_id": job_id}).scalar_one()
    return held


def get(connection: Connection, job_id: str) -> TapJob:
    """Return a job.

    Raises:
        NotFoundError: there is no such job.
    """
    kept = TapJobRow.destruction_at >= func.now()
    row = connection.execute(select(*_COLUMNS).where(TapJobRow.job_id == job_id, kept)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no job {job_id!r}: it was deleted, its time was over, or it never was")
    job = TapJob(*row)
    return replace(job, phase=Phase(job.phase))


def change(connection: Connection, job_id: str, *, while_pending: bool = True, **values: Any) -> None:
    """Change a job, as a rule one that has not been started.

    Raises:
        ConflictError: it has been started.
    """
    statement = update(TapJobRow).where(TapJobRow.job_id == job_id).values(**values)
    if while_pending:
        statement = statement.where(TapJobRow.phase == Phase.PENDING)
    if connection.execute(statement).rowcount == 0:
        raise ConflictError(f"job {job_id} has been started: it cannot be changed any more")


def claim(connection: Connection) -> str | None:
    """Take the job that waits longest and return its id, None where none waits."""
    return connection.exec_driver_sql(_QUERIES["claim"]).scalar_one_or_none()


def started(connection: Connection, job_id: str, backend: str) -> bool:
    """Note which transaction runs a job; False where the job was stopped meanwhile."""
    parameters = {"job_id": job_id, "backend": backend}
    return connection.exec_driver_sql(_QUERIES["started"], parameters).scalar_one_or_none() is not None


def finish(
    connection: Connection,
    job_id: str,
    phase: Phase,
    *,
    problem: str | None = None,
    media_type: str | None = None,
    version: int | None = None,
    size: int = 0,
) -> bool:
    """End a job that runs, with an answer of `size` bytes; False where it was stopped, and stays so."""
    answer = {"media_type": media_type, "version": version, "bytes": size}
    parameters = {"job_id": job_id, "phase": phase.value, "problem": problem, **answer}
    return connection.exec_driver_sql(_QUERIES["finish"], parameters).rowcount > 0


def abort(connection: Connection, job_id: str) -> None:
    """Stop a job, wherever it runs; one that has ended stays as it is."""
    connection.exec_driver_sql(_QUERIES["abort"], {"job_id": job_id})


def remove(connection: Connection, job_id: str) -> None:
    """Forget a job."""
    connection.execute(delete(TapJobRow).where(TapJobRow.job_id == job_id))


def bury(connection: Connection, spared: Iterable[str]) -> list[str]:
    """End the jobs that nobody runs any more, but the `spared` ones; return their ids."""
    return list(connection.exec_driver_sql(_QUERIES["bury"], {"spared": list(spared)}).scalars())


def remove_expired(connection: Connection) -> list[str]:
    """Forget the jobs whose time is over, and stop those of them that run; return their ids."""
    return list(connection.exec_driver_sql(_QUERIES["expired"]).scalars())
