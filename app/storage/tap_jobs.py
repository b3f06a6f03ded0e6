"""Jobs of queries that users left to run, as rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from app.domain.errors import ConflictError, NotFoundError
from app.domain.tap_jobs import Phase, TapJob
from app.storage.queries import queries
from app.storage.tables import TapJobRow

_QUERIES = queries("tap_jobs")


def create(
    connection: Connection, job_id: str, *, parameters: dict[str, str], seconds: int, destruction_at: datetime
) -> None:
    """Add a job that waits for its user to start it."""
    row = {"job_id": job_id, "phase": Phase.PENDING, "run_id": parameters.get("RUNID"), "parameters": parameters}
    connection.execute(insert(TapJobRow).values(**row, execution_seconds=seconds, destruction_at=destruction_at))


def get(connection: Connection, job_id: str) -> TapJob:
    """Return a job.

    Raises:
        NotFoundError: there is no such job.
    """
    kept = TapJobRow.destruction_at >= func.now()
    row = connection.execute(select(TapJobRow.__table__).where(TapJobRow.job_id == job_id, kept)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no job {job_id!r}: it was deleted, its time was over, or it never was")
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the mapping begins with an underscore
    return TapJob(**(values | {"phase": Phase(values["phase"])}))


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
    connection: Connection, job_id: str, phase: Phase, *, problem: str | None = None, media_type: str | None = None
) -> None:
    """End a job that runs; one that was stopped stays so."""
    parameters = {"job_id": job_id, "phase": phase.value, "problem": problem, "media_type": media_type}
    connection.exec_driver_sql(_QUERIES["finish"], parameters)


def abort(connection: Connection, job_id: str) -> None:
    """Stop a job, wherever it runs; one that has ended stays as it is."""
    connection.exec_driver_sql(_QUERIES["abort"], {"job_id": job_id})


def remove(connection: Connection, job_id: str) -> None:
    """Forget a job."""
    connection.execute(delete(TapJobRow).where(TapJobRow.job_id == job_id))


def bury(connection: Connection, spared: Iterable[str]) -> None:
    """End the jobs that nobody runs any more, but the `spared` ones."""
    connection.exec_driver_sql(_QUERIES["bury"], {"spared": list(spared)})


def remove_expired(connection: Connection) -> list[str]:
    """Forget the jobs whose time is over, and stop those of them that run; return their ids."""
    return list(connection.exec_driver_sql(_QUERIES["expired"]).scalars())
