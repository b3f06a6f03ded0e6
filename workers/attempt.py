"""One attempt at a step: locked for this process, claimed, done, settled."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from app.domain.jobs import JobState
from app.storage import jobs, steps
from app.storage.engine import Database
from workers.child import Order
from workers.means import Means
from workers.outcome import Ending, Outcome, settle
from workers.slots import Slot


def attempt(
    database: Database,
    step_id: int,
    slot: Slot,
    means: Means,
    *,
    worker: str,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome | None:
    """Do a step if nobody else does; return how that ended, None where there was nothing to do.

    Raises:
        DatabaseError: the database is gone; the step is there for whoever finds it again.
    """
    with database.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        if not steps.try_lock(connection, step_id):
            return None
        try:
            return _locked(database, connection, step_id, slot, means, worker, should_stop)
        finally:
            if not connection.invalidated and not connection.closed:
                steps.unlock(connection, step_id)


def _locked(
    database: Database,
    connection: Connection,
    step_id: int,
    slot: Slot,
    means: Means,
    worker: str,
    should_stop: Callable[[], bool],
) -> Outcome | None:
    number = steps.claim(connection, step_id, worker=worker)
    if number is None:
        return None
    step = steps.get(connection, step_id)
    jobs.terminate(connection, step.job_id, step_id)  # what an earlier attempt may have left running in the server

    def watch() -> Outcome | None:
        if should_stop():
            return Outcome(Ending.STOPPED, "the worker was asked to end")
        ended = jobs.get(connection, step.job_id).state is not JobState.RUNNING
        return Outcome(Ending.LOST) if ended else None

    outcome = slot.run(Order(means, step.job_id, step_id, number), watch)
    if outcome.ending is Ending.LOST:
        jobs.terminate(connection, step.job_id, step_id)
    settle(database, step, number, outcome)
    return outcome
