"""Steps of jobs: planned, brought to workers by the queue, claimed by one of them, done exactly once.

A step's result and the word that it is done are written in one transaction, which fails where another attempt has begun
meanwhile. Whoever works on a step holds a lock of the database session for it: when the process dies, the lock is gone,
and the step is there for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row

from app.domain.errors import ConflictError
from app.domain.jobs import NewStep, Step, StepState
from app.storage.queries import queries

SIGN_OF_LIFE_S = 60.0
"""A worker that has been silent for longer is taken for dead."""


def plan(connection: Connection, job_id: int, planned: Iterable[NewStep]) -> list[int]:
    """Add steps to a job and return their numbers; a step that the job has already is passed over."""
    numbers = []
    for step in planned:
        values = {
            "job_id": job_id,
            "name": step.name,
            "task": step.task,
            "stage": step.stage,
            "arguments": Jsonb(dict(step.arguments)),
        }
        number = connection.exec_driver_sql(_SQL["add_step"], values).scalar_one_or_none()
        if number is not None:
            numbers.append(int(number))
    return numbers


def deliver(connection: Connection, step_ids: Sequence[int]) -> None:
    """Put steps into the queue that workers listen to; they hear of it when the transaction commits."""
    if step_ids:
        connection.exec_driver_sql("SET LOCAL search_path TO jobs, public")
        connection.exec_driver_sql(_SQL["deliver"], {"step_ids": list(step_ids)})
        connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")


def get(connection: Connection, step_id: int) -> Step:
    """Return a step.

    Raises:
        ConflictError: there is no such step any more.
    """
    row = connection.exec_driver_sql(_SQL["step"], {"step_id": step_id}).one_or_none()
    if row is None:
        raise ConflictError(f"there is no step {step_id}")
    return _step_from_row(row)


def of_job(connection: Connection, job_id: int) -> list[Step]:
    """Return the steps of a job in the order in which they were planned."""
    return [_step_from_row(row) for row in connection.exec_driver_sql(_SQL["steps"], {"job_id": job_id})]


def open_of_job(connection: Connection, job_id: int) -> list[int]:
    """Return the steps of a running job that are not done, those that wait first."""
    return list(connection.exec_driver_sql(_SQL["queued_of_job"], {"job_id": job_id}).scalars())


def try_lock(connection: Connection, step_id: int) -> bool:
    """Take the lock of a step for this session; False where another session has it."""
    return bool(connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s, %s)", (_SPACE, step_id)).scalar_one())


def unlock(connection: Connection, step_id: int) -> None:
    """Give the lock of a step back."""
    connection.exec_driver_sql("SELECT pg_advisory_unlock(%s, %s)", (_SPACE, step_id))


def claim(connection: Connection, step_id: int, *, worker: str) -> int | None:
    """Begin a step and return which attempt this is; None where it is done or its job has ended."""
    values = {"step_id": step_id, "worker": worker}
    attempt = connection.exec_driver_sql(_SQL["claim"], values).scalar_one_or_none()
    return None if attempt is None else int(attempt)


def finish(connection: Connection, step_id: int, attempt: int) -> bool:
    """Mark a step as done; False where another attempt has begun or the job has ended."""
    return connection.exec_driver_sql(_SQL["finish"], {"step_id": step_id, "attempt": attempt}).rowcount == 1


def give_back(connection: Connection, step_id: int, attempt: int) -> bool:
    """Let a step wait again, for this worker or another; False where this attempt does not count any more."""
    return connection.exec_driver_sql(_SQL["give_back"], {"step_id": step_id, "attempt": attempt}).rowcount == 1


def count_open(connection: Connection, job_id: int, stage: str) -> tuple[int, int]:
    """Return how many steps of a job are not done: of one stage, and of all."""
    row = connection.exec_driver_sql(_SQL["open_steps"], {"job_id": job_id, "stage": stage}).one()
    return int(row[0]), int(row[1])


def abandoned(connection: Connection) -> list[tuple[int, int]]:
    """Return steps, with their attempt, that count as running though nobody holds their lock."""
    found = []
    for step_id, attempt in connection.exec_driver_sql(_SQL["running"]).all():
        if try_lock(connection, step_id):
            found.append((int(step_id), int(attempt)))
            unlock(connection, step_id)
    return found


def undelivered(connection: Connection, *, patience_s: float) -> list[int]:
    """Return steps that have waited for so long without a job of the queue that would bring them to a worker."""
    return list(connection.exec_driver_sql(_SQL["undelivered"], {"patience_s": patience_s}).scalars())


def bury_dead(connection: Connection) -> int:
    """End the queue's jobs of dead workers, forget old ones; return how many were ended."""
    connection.exec_driver_sql("SET LOCAL search_path TO jobs, public")
    buried = connection.exec_driver_sql(_SQL["bury"], {"patience_s": SIGN_OF_LIFE_S}).rowcount
    connection.exec_driver_sql(_SQL["forget_delivered"])
    connection.exec_driver_sql("SET LOCAL search_path TO DEFAULT")
    return buried


def workers(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many workers live, and when one last gave a sign of life."""
    row = connection.exec_driver_sql(_SQL["workers"], {"patience_s": SIGN_OF_LIFE_S}).one()
    return int(row[0]), row[1]


_SPACE = 0x50537
_SQL = queries("steps")


def _step_from_row(row: Row[Any]) -> Step:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the mapping begins with an underscore
    del values["queued_at"]
    return Step(**values | {"state": StepState(values["state"])})
