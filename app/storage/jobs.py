"""Background jobs: asked for once, started when nothing is in their way, followed, ended."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row

from app.domain.errors import AlreadyRunningError, ConflictError, UnknownJobError
from app.domain.jobs import Job, JobKind, JobRequest, JobState, LogLine, StepState
from app.storage import steps
from app.storage.queries import queries

NEWEST = 2**62


def request(connection: Connection, wanted: JobRequest) -> int:
    """Add a job with its first steps, start it if nothing is in its way, and return its number.

    Raises:
        AlreadyRunningError: a job with the same key is not done; names it.
    """
    values = {
        "kind": str(wanted.kind),
        "arguments": Jsonb(dict(wanted.arguments)),
        "key": wanted.key,
        "holds": list(wanted.holds),
        "shares": list(wanted.shares),
        "requested_by": wanted.requested_by,
        "version_id": wanted.version_id,
    }
    added = connection.exec_driver_sql(_SQL["add_job"], values).scalar_one_or_none()
    if added is None:
        insist_on_new(connection, wanted.key)
        raise ConflictError("a job that does the same has just ended: ask again")
    job_id = int(added)
    steps.plan(connection, job_id, wanted.steps)
    log(connection, job_id, f"asked for by {wanted.requested_by or 'nobody known'}")
    start_waiting(connection)
    return job_id


def insist_on_new(connection: Connection, key: str) -> None:
    """Insist that no job with this key is not done.

    Raises:
        AlreadyRunningError: there is one; names it.
    """
    running = connection.exec_driver_sql(_SQL["open_with_key"], {"key": key}).scalar_one_or_none()
    if running is not None:
        raise AlreadyRunningError(running, f"job {running} does the same and is not done")


def start_waiting(connection: Connection) -> list[int]:
    """Start every job that waits for nothing any more, and return their numbers."""
    connection.exec_driver_sql(_SQL["lock_jobs"])
    started = [int(job_id) for job_id in connection.exec_driver_sql(_SQL["startable"]).scalars()]
    for job_id in started:
        connection.exec_driver_sql(_SQL["start_job"], {"job_id": job_id})
        steps.deliver(connection, steps.open_of_job(connection, job_id))
    return started


def in_the_way(connection: Connection, *, holds: tuple[str, ...] = (), shares: tuple[str, ...] = ()) -> Job | None:
    """Return the first job that is not done and uses what is named, None if there is none."""
    parameters = {"holds": list(holds), "shares": list(shares)}
    row = connection.exec_driver_sql(_SQL["in_the_way"], parameters).one_or_none()
    return None if row is None else _job_from_row(row)


def get(connection: Connection, job_id: int) -> Job:
    """Return a job.

    Raises:
        UnknownJobError: there is no such job.
    """
    row = connection.exec_driver_sql(_SQL["job"], {"job_id": job_id}).one_or_none()
    if row is None:
        raise UnknownJobError(f"there is no job {job_id}")
    return _job_from_row(row)


def list_jobs(
    connection: Connection, *, limit: int = 50, before: int = NEWEST, state: JobState | None = None
) -> list[Job]:
    """Return jobs, newest first, from below a number."""
    parameters = {"limit": limit, "before": before, "state": None if state is None else str(state)}
    return [_job_from_row(row) for row in connection.exec_driver_sql(_SQL["newest_jobs"], parameters)]


def count_open(connection: Connection, kind: JobKind) -> int:
    """Return how many jobs of a kind are not done."""
    return int(connection.exec_driver_sql(_SQL["count_open"], {"kind": str(kind)}).scalar_one())


def lock(connection: Connection, job_id: int) -> JobState:
    """Return the state of a job, which stays so until the caller's transaction ends."""
    return JobState(connection.exec_driver_sql(_SQL["lock_job"], {"job_id": job_id}).scalar_one())


def end(connection: Connection, job_id: int, state: JobState, reason: str | None = None) -> bool:
    """End a job with all that it has open, start what waited for it; return whether it had not ended before."""
    ended = connection.exec_driver_sql(
        _SQL["end_job"], {"job_id": job_id, "state": str(state), "reason": reason}
    ).rowcount
    if not ended:
        return False
    rest = StepState.FAILED if state is JobState.FAILED else StepState.CANCELLED
    connection.exec_driver_sql(_SQL["end_steps"], {"job_id": job_id, "state": str(rest)})
    connection.exec_driver_sql(_SQL["drop_data"], {"job_id": job_id})
    log(connection, job_id, f"{state}" if reason is None else f"{state}: {reason}", level=_LEVELS[state])
    start_waiting(connection)
    return True


def set_result(connection: Connection, job_id: int, result: dict[str, Any]) -> None:
    """Add to what a job has brought about."""
    connection.exec_driver_sql(_SQL["set_result"], {"job_id": job_id, "result": Jsonb(result)})


def set_version(connection: Connection, job_id: int, version_id: int) -> None:
    """Say which version a job makes."""
    connection.exec_driver_sql(_SQL["set_version"], {"job_id": job_id, "version_id": version_id})


def set_progress(connection: Connection, job_id: int, stage: str, done: int | None, total: int | None) -> None:
    """Say how far a job is."""
    values = {"job_id": job_id, "stage": stage, "done": done, "total": total}
    connection.exec_driver_sql(_SQL["progress"], values)


def count_steps(connection: Connection, job_id: int, stage: str) -> None:
    """Say how far a job is by the steps of a stage."""
    connection.exec_driver_sql(_SQL["progress_by_steps"], {"job_id": job_id, "stage": stage})


def log(connection: Connection, job_id: int, message: str, *, level: str = "info") -> None:
    """Add a line to a job's log."""
    connection.exec_driver_sql(_SQL["log"], {"job_id": job_id, "level": level, "message": message})


def log_tail(connection: Connection, job_id: int, *, limit: int = 50, after: int = 0) -> list[LogLine]:
    """Return the last lines of a job's log that came after one, oldest first."""
    parameters = {"job_id": job_id, "limit": limit, "after": after}
    return [LogLine(*row) for row in connection.exec_driver_sql(_SQL["log_tail"], parameters)]


def put_data(connection: Connection, job_id: int, name: str, content: bytes) -> None:
    """Keep what a step leaves for others of its job."""
    connection.exec_driver_sql(_SQL["put_data"], {"job_id": job_id, "name": name, "content": content})


def get_data(connection: Connection, job_id: int, name: str) -> bytes:
    """Return what a step of the job has left under a name."""
    return bytes(connection.exec_driver_sql(_SQL["get_data"], {"job_id": job_id, "name": name}).scalar_one())


def data_names(connection: Connection, job_id: int, prefix: str) -> list[str]:
    """Return the names that begin with `prefix` and under which steps have left something."""
    pattern = prefix.replace("_", r"\_").replace("%", r"\%") + "%"
    found = connection.exec_driver_sql(_SQL["data_names"], {"job_id": job_id, "pattern": pattern})
    return list(found.scalars())


def application_name(job_id: int, step_id: int) -> str:
    """Return the name under which the connections of a step are known to the server."""
    return f"sos-job-{job_id}-step-{step_id}-"


def terminate(connection: Connection, job_id: int, step_id: int | None = None) -> None:
    """End what connections of a job, or of one of its steps, still do in the server."""
    pattern = f"sos-job-{job_id}-%" if step_id is None else application_name(job_id, step_id) + "%"
    connection.exec_driver_sql(_SQL["terminate"], {"pattern": pattern})


def forget_old(connection: Connection, *, days: int) -> int:
    """Forget jobs that ended so many days ago, and return how many."""
    return connection.exec_driver_sql(_SQL["forget_jobs"], {"days": days}).rowcount


_LEVELS = {JobState.SUCCEEDED: "info", JobState.CANCELLED: "warning", JobState.FAILED: "error"}
_SQL = queries("jobs")
_FIELDS = frozenset(field.name for field in fields(Job))


def _job_from_row(row: Row[Any]) -> Job:
    values = {key: value for key, value in row._mapping.items() if key in _FIELDS}  # noqa: SLF001 - SQLAlchemy's name
    return Job(**values | {"kind": JobKind(values["kind"]), "state": JobState(values["state"])})
