"""`sos jobs` and `sos worker`: what runs in the background, and what runs it."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli import context


def jobs(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List background jobs, newest first."""
    from app.storage.job_queue import list_jobs

    with context.open_database() as database, database.connect() as connection:
        found = list_jobs(connection)
    context.emit(found, json=json)


def worker(
    *,
    jobs: Annotated[int | None, typer.Option(help="Processes that fit models side by side (SOS_JOBS).", min=1)] = None,
    drain: Annotated[bool, typer.Option("--drain", help="End when the queue is empty instead of waiting.")] = False,
) -> None:
    """Run background jobs until Ctrl-C or SIGTERM; the job at hand is finished first."""
    from workers.main import run

    with context.open_database() as database:
        run(database.url, jobs=jobs or context.settings().jobs, wait=not drain)
