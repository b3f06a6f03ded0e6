"""The process that does steps, one after the other; its parent watches it, and may end it at any moment.

What a step has not committed is gone with the process, so that cancelling is killing. The child ends by itself when its
parent is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection

from app.domain.errors import NotPublishedError, SosError, UnavailableError
from app.storage import jobs, steps
from app.storage.engine import WRITER_OPTIONS, Database
from workers.means import Means
from workers.outcome import Ending, Outcome
from workers.tasks import load
from workers.work import StepLostError, Work

WATCH_S = 0.3


@dataclass(frozen=True)
class Order:
    """Which step is to be done, as which attempt, with which means."""

    means: Means
    job_id: int
    step_id: int
    attempt: int


def execute(order: Order) -> Outcome:
    """Do a step and return how it ended; nothing is raised."""
    from app.pipeline.machine_cache import keep_in  # noqa: PLC0415 - brings the model libraries: not into the parent

    keep_in(order.means.cache)
    name = jobs.application_name(order.job_id, order.step_id)
    database = Database(order.means.url, options=f"{WRITER_OPTIONS} -c application_name={name}")
    try:
        return _do(database, order)
    except StepLostError:
        return Outcome(Ending.LOST)
    except NotPublishedError as error:
        return Outcome(Ending.REFUSED, str(error))
    except UnavailableError as error:
        return Outcome(Ending.BROKEN, str(error))
    except SosError as error:
        return Outcome(Ending.REFUSED, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the job's reader is told
        lines = "".join(traceback.format_exception(error))
        _tell(database, order, lines)
        return Outcome(Ending.REFUSED, f"{type(error).__name__}: {error} (a fault of SoS; the job's log says more)")
    finally:
        database.dispose()


def _do(database: Database, order: Order) -> Outcome:
    with database.connect() as connection:
        step, job = steps.get(connection, order.step_id), jobs.get(connection, order.job_id)
    load(step.task)(Work(database, order.means, job, step, order.attempt), **step.arguments)
    with database.connect() as connection:
        left = steps.get(connection, order.step_id)
    if left.attempt == order.attempt and left.finished_at is None:
        return Outcome(Ending.REFUSED, f"the task {step.task} ended without saying so (a fault of SoS)")
    return Outcome(Ending.DONE)


def _tell(database: Database, order: Order, message: str) -> None:
    try:
        with database.begin() as connection:
            jobs.log(connection, order.job_id, message, level="debug")
    except SosError:
        logging.getLogger(__name__).exception("the log of job %s cannot be written", order.job_id)


def main() -> None:
    """Do steps as they are ordered, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    orders = Connection(int(sys.argv[1]))
    threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()
    while True:
        try:
            order = orders.recv()
        except EOFError:
            return
        orders.send(execute(order))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


if __name__ == "__main__":
    main()
