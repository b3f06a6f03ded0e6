"""`sos jobs` and `sos worker`: what runs in the background, and what runs it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context
from app.cli.audit import on_record

if TYPE_CHECKING:
    from app.domain.jobs import Job

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="Number of the job.")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def jobs(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: AsJson = False,
) -> None:
    """List background jobs, newest first; show, follow or cancel one."""
    from app.storage import jobs as store

    if ctx.invoked_subcommand is not None:
        return
    with context.open_database() as database, database.connect() as connection:
        found = store.list_jobs(connection, limit=limit)
    context.emit([_row(job) for job in found], json=json)


@app.command()
def show(number: Number, *, json: AsJson = False) -> None:
    """Show a job with its steps and the end of its log."""
    from app.storage import jobs as store
    from app.storage import steps

    with context.open_database() as database, database.connect() as connection:
        job = store.get(connection, number)
        lines = store.log_tail(connection, number)
        done = steps.of_job(connection, number)
    if json:
        context.emit({"job": job, "steps": done, "log": lines}, json=True)
        return
    context.emit(job)
    context.emit([{"step": s.name, "state": str(s.state), "attempt": s.attempt, "worker": s.worker} for s in done])
    for line in lines:
        typer.echo(f"{line.at:%Y-%m-%d %H:%M:%S} {line.level:<7} {line.message}")


@app.command()
def follow(number: Number) -> None:
    """Follow a job until it ends; exit code 4 where it fails or is cancelled."""
    from app.cli.stage_bars import StageBars
    from app.storage import jobs as store

    with context.open_database() as database, StageBars() as bars:
        while True:
            with database.connect() as connection:
                job = store.get(connection, number)
            if job.state.ended:
                break
            bars.show(job)
            time.sleep(0.5)
    context.say(f"job {number} {job.state}" + (f": {job.reason}" if job.reason else ""))
    if job.state != "succeeded":
        raise typer.Exit(4)


@app.command()
def cancel(number: Number) -> None:
    """Cancel a job, whatever it does; what is not complete is gone."""
    from app.pipeline.ending import cancel_job

    with context.open_database() as database, on_record(database, "job.cancel", f"job {number}"):
        cancel_job(database, number, f"cancelled by {context.user()}")
    context.say(f"job {number} is cancelled")


def _row(job: Job) -> dict[str, Any]:
    return {
        "job": job.job_id,
        "kind": str(job.kind),
        "state": str(job.state),
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "version": job.version_id,
        "by": job.requested_by,
        "created": job.created_at.isoformat(timespec="seconds"),
        "finished": job.finished_at.isoformat(timespec="seconds") if job.finished_at else None,
        "reason": job.reason,
    }


def worker(
    *,
    jobs: Annotated[int | None, typer.Option(help="Steps that are done side by side (SOS_JOBS).", min=1)] = None,
    drain: Annotated[bool, typer.Option("--drain", help="End when the queue is empty instead of waiting.")] = False,
) -> None:
    """Run background jobs until Ctrl-C or SIGTERM: the steps at hand are finished, the rest is left to other workers.

    Asked a second time, it gives the steps at hand back at once.
    """
    from workers.main import configure_log, run
    from workers.means import Means

    configure_log()
    with context.open_database() as database:
        settings = context.settings()
        run(Means.of(settings, database.url), concurrency=jobs or settings.jobs, wait=not drain)
