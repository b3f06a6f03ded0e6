"""The queue of background jobs, on the same PostgreSQL: who defers a job needs its name, not its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.storage.engine import driver_url
from app.storage.queries import queries

SEARCH_PATH = "-c search_path=jobs,public"


@dataclass(frozen=True)
class QueuedJob:
    """A job as the queue knows it."""

    job_id: int
    task: str
    status: str
    arguments: dict[str, Any]
    attempts: int
    scheduled_at: datetime | None
    last_event_at: datetime | None


@contextmanager
def open_queue(url: str) -> Iterator[procrastinate.App]:
    """Open the queue for deferring jobs."""
    connector = procrastinate.SyncPsycopgConnector(conninfo=driver_url(url), kwargs={"options": SEARCH_PATH})
    queue = procrastinate.App(connector=connector)
    with queue.open():
        yield queue


def defer(queue: procrastinate.App, task: str, *, key: str, **arguments: Any) -> int:
    """Put a job into the queue and return its number.

    Args:
        queue: the open queue.
        task: name of the task.
        key: what makes a second request the same one while the first waits.
        arguments: of the task, as JSON.

    Raises:
        ConflictError: the same job is waiting already.
    """
    try:
        return int(queue.configure_task(task, queueing_lock=key).defer(**arguments))
    except procrastinate.exceptions.AlreadyEnqueued as error:
        raise ConflictError(f"a job {key!r} is waiting already; follow it with `sos jobs`") from error


def list_jobs(connection: Connection, *, limit: int = 50) -> list[QueuedJob]:
    """Return the newest jobs first."""
    rows = connection.exec_driver_sql(queries("jobs")["newest_jobs"], {"limit": limit})
    return [QueuedJob(*row) for row in rows]
