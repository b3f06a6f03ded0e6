"""The worker process: `sos worker`, any number of them on any machine that reaches the database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import procrastinate

from app.settings import Settings
from app.storage.engine import Database
from app.storage.job_queue import SEARCH_PATH
from workers.tasks import calibrate, crossmatch, ingest

TASKS: dict[str, Callable[..., Any]] = {
    "ingest": ingest.ingest,
    "crossmatch": crossmatch.match,
    "calibrate": calibrate.make_version,
}
CATALOGUE = "catalogue"
"""The lock that all tasks share: the catalogue has one writer at a time."""


def worker_app(url: str) -> procrastinate.App:
    """Return the queue with every task that a worker can run."""
    connector = procrastinate.PsycopgConnector(conninfo=url, kwargs={"options": SEARCH_PATH})
    queue = procrastinate.App(connector=connector)
    for name, function in TASKS.items():
        queue.task(name=name, lock=CATALOGUE, pass_context=True)(function)
    return queue


def run(url: str, *, jobs: int, wait: bool = True) -> None:
    """Work through the queue until SIGTERM or SIGINT; the job at hand is finished first.

    Args:
        url: of the database.
        jobs: processes that fit models side by side.
        wait: stay when the queue is empty.
    """
    database = Database(url)
    context = {"database": database, "jobs": jobs}
    with worker_app(database.url).open() as queue:
        queue.run_worker(concurrency=1, wait=wait, additional_context=context)
    database.dispose()


def main() -> None:
    """Run a worker on the database that SOS_DATABASE_URL names."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    settings = Settings()
    if settings.database_url is None:
        raise SystemExit("set SOS_DATABASE_URL, or use `sos worker` for the embedded server")
    run(settings.database_url, jobs=settings.jobs)


if __name__ == "__main__":
    main()
