"""The worker process: `sos worker`, any number of them on any machine that reaches the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import queue
import signal
import socket
import threading
import time

import procrastinate
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.worker import Worker as QueueWorker
from sqlalchemy.exc import SQLAlchemyError

from app.domain.errors import UnavailableError
from app.settings import Settings
from app.storage import steps
from app.storage.engine import Database
from workers.attempt import attempt
from workers.means import Means
from workers.outcome import Ending
from workers.slots import Child, Here, Slot
from workers.tasks.sweep import sweep

QUEUE = "steps"
SEARCH_PATH = "-c search_path=jobs,public"
SIGN_OF_LIFE_S = 5.0
SWEEP_S = 2.0
GRACE_S = 60.0
"""How long a worker that is asked to end may go on with the steps at hand before they are given back."""

log = logging.getLogger("sos.worker")


class Worker:
    """Does steps that the queue brings, `concurrency` at a time, until it is asked to end.

    Args:
        means: what steps need, the database among it.
        concurrency: steps side by side, each in a process of its own; 0 does one at a time in this process.
        wait: stay when the queue is empty.
        grace_s: how long the steps at hand may go on after SIGTERM.
    """

    def __init__(self, means: Means, *, concurrency: int, wait: bool = True, grace_s: float = GRACE_S) -> None:
        self.means, self.wait, self.grace_s = means, wait, grace_s
        self.database = Database(means.url)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.slots: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        self.concurrency = max(concurrency, 1)
        for _ in range(self.concurrency):
            self.slots.put(Child() if concurrency else Here())
        self.ending, self.at_once = threading.Event(), threading.Event()
        self.queue_worker: QueueWorker | None = None

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, or until the queue is empty; a database that goes away is waited for."""
        self._sweep()
        sweeper = threading.Thread(target=self._sweep_now_and_then, name="sweep", daemon=True)
        sweeper.start()
        try:
            asyncio.run(self._work_until_asked_to_end())
        finally:
            self.ending.set()
            sweeper.join()
            for _ in range(self.slots.qsize()):
                self.slots.get().close()
            self.database.dispose()

    async def _work_until_asked_to_end(self) -> None:
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for request in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(request, self._asked_to_end)
        while not self.ending.is_set():
            try:
                await self._work()
            except (ConnectorException, UnavailableError, SQLAlchemyError, OSError) as error:
                log.warning("the database is gone (%s): looking again in a second", error)
            else:
                if not self.wait:
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self.ending.wait, 1.0), 2.0)

    def _asked_to_end(self) -> None:
        """Let the steps at hand be finished; asked a second time, give them back at once."""
        if self.ending.is_set():
            self.at_once.set()
        self.ending.set()
        if self.queue_worker is not None:
            self.queue_worker.stop()  # type: ignore[no-untyped-call]

    async def _work(self) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self.database.url, kwargs={"options": SEARCH_PATH}, timeout=5.0, reconnect_timeout=5.0
        )
        app = procrastinate.App(connector=connector)
        app.task(name="step", queue=QUEUE, pass_context=True)(self._step)
        async with app.open_async():
            self.queue_worker = QueueWorker(
                app,
                queues=[QUEUE],
                name=self.name,
                concurrency=self.concurrency,
                wait=self.wait,
                fetch_job_polling_interval=2.0,
                update_heartbeat_interval=SIGN_OF_LIFE_S,
                stalled_worker_timeout=steps.SIGN_OF_LIFE_S,
                shutdown_graceful_timeout=self.grace_s,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
            if not self.ending.is_set():
                await self.queue_worker.run()  # type: ignore[no-untyped-call]

    def _step(self, context: procrastinate.JobContext, *, step_id: int) -> None:
        slot = self.slots.get()
        try:
            outcome = attempt(
                self.database,
                step_id,
                slot,
                self.means,
                worker=self.name,
                should_stop=lambda: context.should_abort() or self.at_once.is_set(),
            )
        finally:
            self.slots.put(slot)
        if outcome is not None:
            log.info("step %s: %s %s", step_id, outcome.ending, outcome.reason)
            if outcome.ending is Ending.STOPPED:
                raise JobAborted

    def _sweep_now_and_then(self) -> None:
        while not self.ending.wait(SWEEP_S):
            self._sweep()

    def _sweep(self) -> None:
        try:
            sweep(self.database, self.means)
        except UnavailableError as error:
            log.warning("sweeping has to wait: %s", error)


def run(means: Means, *, concurrency: int, wait: bool = True) -> None:
    """Work through the queue; see `Worker`."""
    Worker(means, concurrency=concurrency, wait=wait).run()


def configure_log() -> None:
    """Write what the worker does to stderr, in UTC."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    logging.getLogger("procrastinate.blueprints").setLevel(logging.ERROR)  # tasks have names of their own here
    logging.Formatter.converter = time.gmtime


def main() -> None:
    """Run a worker on the database that SOS_DATABASE_URL names."""
    configure_log()
    settings = Settings()
    if settings.database_url is None:
        raise SystemExit("set SOS_DATABASE_URL, or use `sos worker` for the embedded server")
    run(Means.of(settings, settings.database_url), concurrency=settings.jobs)


if __name__ == "__main__":
    main()
