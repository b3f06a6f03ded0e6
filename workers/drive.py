"""Do a job from here and now: what `sos calibrate` does in the foreground, together with workers if there are any."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from app.domain.errors import ConflictError, SosError
from app.domain.jobs import Job, JobState
from app.pipeline.ending import cancel_job
from app.storage import jobs, steps
from app.storage.engine import Database
from workers.attempt import attempt
from workers.means import Means
from workers.slots import Child, Here, Slot, wait_a_moment

Report = Callable[[Job], None]


def drive(database: Database, job_id: int, means: Means, *, slots: int, report: Report = lambda _: None) -> Job:
    """Do a job to its end and return it.

    Args:
        database: where the job is.
        job_id: the job.
        means: what its steps need.
        slots: how many steps are done side by side, in processes of their own; 0 does them one by one in this one.
        report: is told a few times a second how far the job is.

    Raises:
        ConflictError: the job failed or was cancelled; says why.
    """
    try:
        if slots:
            _side_by_side(database, job_id, means, slots, report)
        else:
            _one_by_one(database, job_id, means, report)
    except (KeyboardInterrupt, SystemExit):
        cancel_job(database, job_id, "interrupted before it was complete")
        raise
    job = _look(database, job_id)
    if job.state is not JobState.SUCCEEDED:
        raise ConflictError(job.reason or f"job {job_id} was {job.state}")
    return job


def _one_by_one(database: Database, job_id: int, means: Means, report: Report) -> None:
    here = Here()
    while not (job := _look(database, job_id)).state.ended:
        report(job)
        if not _next(database, job_id, means, here):
            wait_a_moment()


def _side_by_side(database: Database, job_id: int, means: Means, slots: int, report: Report) -> None:
    with ThreadPoolExecutor(slots) as pool:
        running = [pool.submit(_work, database, job_id, means) for _ in range(slots)]
        try:
            while not (job := _look(database, job_id)).state.ended:
                report(job)
                for one in running:
                    if one.done():
                        one.result()
                wait_a_moment()
        except BaseException as error:
            reason = str(error) if isinstance(error, SosError) else "interrupted before it was complete"
            cancel_job(database, job_id, reason)
            raise
        report(job)


def _work(database: Database, job_id: int, means: Means) -> None:
    slot = Child()
    try:
        while not _look(database, job_id).state.ended:
            if not _next(database, job_id, means, slot):
                wait_a_moment()
    finally:
        slot.close()


def _next(database: Database, job_id: int, means: Means, slot: Slot) -> bool:
    """Do the next step that nobody does; return whether there was one."""
    with database.connect() as connection:
        waiting = steps.open_of_job(connection, job_id)
    worker = f"{socket.gethostname()}:{os.getpid()} (foreground)"
    return any(attempt(database, step_id, slot, means, worker=worker) for step_id in waiting)


def _look(database: Database, job_id: int) -> Job:
    with database.connect() as connection:
        return jobs.get(connection, job_id)
