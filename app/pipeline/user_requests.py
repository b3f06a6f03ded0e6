"""Tables that users want homogenized: taken in within a quota, discarded when asked, removed past their time."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.domain.clients import digest_of
from app.domain.errors import ConflictError, NotFoundError, TooManyRequestsError
from app.domain.jobs import JobKind, JobRequest
from app.domain.quotas import Quota
from app.domain.user_surveys import Look
from app.pipeline import course, user_folders
from app.pipeline.ending import cancel_job
from app.storage import jobs, user_surveys
from app.storage.engine import Database

MOST_WAITING = 50
"""Tables of all clients together that may wait."""
ORPHANS_KEPT_S = 3600.0
"""A folder without a table is one whose request is under way, or was cut off."""


class UserRequests:
    """Takes tables in and discards them.

    Args:
        database: where jobs and tables are known.
        tables: folder of the tables' folders.
        quota: how many a client may have.
    """

    def __init__(self, database: Database, tables: Path, quota: Quota) -> None:
        self._database = database
        self._tables = tables
        self._quota = quota

    def homogenize(self, content: bytes, look: Look, *, client: str) -> str:
        """Take a table in and have it homogenized; return its token.

        Args:
            content: the file.
            look: what is understood of it.
            client: the address that it came from, by which tables are counted.

        Raises:
            TooManyRequestsError: the client has as many as it may, or too many wait altogether.
            AlreadyRunningError: the client has the same table homogenized the same way already.
            UnavailableError: there is no room for it.
        """
        who = digest_of(client)
        token = user_folders.new_folder(self._tables, content)
        try:
            self._ask(token, look, who)
        except BaseException:
            user_folders.remove_folder(self._tables, token)
            raise
        return token

    def discard(self, token: str) -> None:
        """Stop what is done with a table, and remove everything that there is of it.

        Raises:
            NotFoundError: there is no such table, or it is past its time.
        """
        with self._database.connect() as connection:
            job_id = user_surveys.get(connection, token).job_id
        discard(self._database, self._tables, token, job_id, "its table was discarded")

    def _ask(self, token: str, look: Look, who: str) -> None:
        arguments: dict[str, Any] = {"version": look.version, "rows": look.rows}
        same = hashlib.sha256(repr((who, look)).encode()).hexdigest()[:32]
        request = JobRequest(
            JobKind.HOMOGENIZE,
            arguments,
            key=f"homogenize {same}",
            steps=(course.match_table(token),),
            shares=(f"version {look.version}",),
            version_id=look.version,
        )
        with self._database.begin() as connection:
            user_surveys.insist_on_quota(connection, who, self._quota)  # first: nobody else counts from here on
            waiting = jobs.count_open(connection, JobKind.HOMOGENIZE)
            if waiting >= MOST_WAITING:
                raise TooManyRequestsError(f"{waiting} tables wait to be homogenized", retry_after_s=60)
            job_id = jobs.request(connection, request)
            user_surveys.add(connection, token, job_id, who, look, days=self._quota.days)


def discard(database: Database, tables: Path, token: str, job_id: int, reason: str) -> None:
    """Stop the job of a table if it is not done, and remove row and files of the table."""
    with suppress(ConflictError, NotFoundError):  # it has ended
        cancel_job(database, job_id, reason)
    user_folders.remove_folder(tables, token)  # first: a row whose files are gone is found again, files without one not
    with database.begin() as connection:
        user_surveys.remove(connection, token)


def remove_expired(database: Database, tables: Path) -> int:
    """Remove everything that there is of tables past their time; return how many there were."""
    with database.connect() as connection:
        expired = user_surveys.expired(connection)
    for token, job_id in expired:
        discard(database, tables, token, job_id, "its table is past its time")
    with database.connect() as connection:
        known = user_surveys.tokens(connection)
    user_folders.remove_unknown(tables, known, time.time() - ORPHANS_KEPT_S)
    return len(expired)
