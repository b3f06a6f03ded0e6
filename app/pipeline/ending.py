"""How jobs end before their time: a calibration leaves a failed version with the reason, and nothing half made."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.errors import ConflictError, DatabaseError, UnavailableError
from app.domain.jobs import Job, JobKind, JobState
from app.domain.versions import VersionState
from app.storage import jobs, version_tables, versions
from app.storage.engine import Database

UNFINISHED = {VersionState.QUEUED, VersionState.RUNNING}


def fail_job(database: Database, job_id: int, reason: str) -> None:
    """End a job as failed."""
    _end(database, job_id, JobState.FAILED, reason)


def cancel_job(database: Database, job_id: int, reason: str) -> Job:
    """Cancel a job at whatever it does; return it.

    Raises:
        UnknownJobError: there is no such job.
        ConflictError: it has ended already.
    """
    if not _end(database, job_id, JobState.CANCELLED, reason):
        with database.connect() as connection:
            raise ConflictError(f"job {job_id} has ended already: it {_as_verb(jobs.get(connection, job_id).state)}")
    with database.connect() as connection:
        return jobs.get(connection, job_id)


def _as_verb(state: JobState) -> str:
    return f"was {state}" if state is JobState.CANCELLED else str(state)


def _end(database: Database, job_id: int, state: JobState, reason: str) -> bool:
    with database.begin() as connection:
        job = jobs.get(connection, job_id)
        jobs.lock(connection, job_id)
        ended = jobs.end(connection, job_id, state, reason)
        unfinished = ended and _fail_version(connection, job, reason)
    if ended:
        with database.begin() as connection:
            jobs.terminate(connection, job_id)
    if unfinished and job.version_id is not None:
        drop_tables(database, job.version_id)
    return ended


def _fail_version(connection: Connection, job: Job, reason: str) -> bool:
    if job.kind is not JobKind.CALIBRATE or job.version_id is None:
        return False
    if versions.get(connection, job.version_id).state not in UNFINISHED:
        return False
    versions.fail(connection, job.version_id, reason)
    return True


def drop_tables(database: Database, version_id: int) -> None:
    """Drop the tables of a version that nobody can read; where they are in use still, the next sweep does it."""
    try:
        with database.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            version_tables.drop(connection, version_id)
    except DatabaseError:
        raise
    except UnavailableError:
        return
