"""Exports as rows: who asked for them, while their files are kept."""

from __future__ import annotations

import math

from sqlalchemy import Connection, insert

from app.domain.errors import TooManyRequestsError
from app.domain.quotas import Quota
from app.storage.queries import queries
from app.storage.tables import ExportRow

SOON_S = 60


def lock(connection: Connection) -> None:
    """Let nobody else count or add exports until the caller's transaction ends."""
    connection.exec_driver_sql(_SQL["lock"])


def add(connection: Connection, job_id: int, client: str | None) -> None:
    """Add an export of a client, or of nobody who is counted."""
    connection.execute(insert(ExportRow).values(job_id=job_id, client=client))


def insist_on_quota(connection: Connection, client: str, quota: Quota) -> None:
    """Insist that a client may have one more export; the caller holds the lock.

    Raises:
        TooManyRequestsError: it has as many as it may, to be written or kept; says when the first of them goes.
    """
    kept = connection.exec_driver_sql(_SQL["kept"], {"client": client, "days": quota.days}).all()
    waiting = sum(row.open for row in kept)
    if waiting >= quota.at_once:
        problem = (
            f"{waiting} of your exports are not written yet, and no more than {quota.at_once} may be under way at "
            "once: wait for one, or take the file from /v1/catalog"
        )
        raise TooManyRequestsError(problem, retry_after_s=SOON_S)
    if len(kept) >= quota.kept:
        wait = SOON_S if kept[0].open else max(math.ceil(kept[0].seconds), 1)
        problem = (
            f"{len(kept)} of your exports are kept, each for {quota.days} days, and no more than {quota.kept} may be: "
            "take the file from /v1/catalog"
        )
        raise TooManyRequestsError(problem, retry_after_s=wait)


def any_expired(connection: Connection, *, days: int) -> bool:
    """Return whether there is an export whose file is past its time."""
    return bool(connection.exec_driver_sql(_SQL["any_expired"], {"days": days}).scalar_one())


def remove_expired(connection: Connection, *, days: int) -> None:
    """Forget the exports whose files are past their time."""
    connection.exec_driver_sql(_SQL["remove_expired"], {"days": days})


_SQL = queries("exports")
