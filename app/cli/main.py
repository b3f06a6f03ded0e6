"""The `sos` command: global options, and one file a subject beside this one."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli import (
    audit,
    calibrate,
    cone,
    context,
    crossmatch,
    db,
    demo,
    export,
    jobs,
    key,
    mock,
    provenance,
    reference,
    registry,
    serve,
    star,
    survey,
    versions,
)
from app.domain.errors import SosError


class SosGroup(TyperGroup):
    """The root command: prints the project's errors as one line and turns them into exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except SosError as error:
            context.say(f"error: {error}")
            raise typer.Exit(context.exit_code(error)) from error


app = typer.Typer(
    cls=SosGroup,
    help="Survey of Surveys: one scale for the stellar parameters of every large spectroscopic survey.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 3 not found, 4 conflict, 5 unavailable, 6 not allowed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    state: Annotated[
        Path | None, typer.Option(help="Folder of the embedded database and downloads (SOS_STATE, else .sos)")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(help="PostgreSQL server to use instead of the embedded one (SOS_DATABASE_URL)")
    ] = None,
) -> None:
    """Take the options that all commands share."""
    context.forget()
    context.use(state=state, database_url=database_url)


COMMANDS = (
    demo.demo,
    serve.serve,
    star.star,
    export.export,
    db.migrate,
    crossmatch.crossmatch,
    calibrate.calibrate,
    calibrate.validate,
    versions.publish,
    versions.rollback,
    jobs.worker,
    audit.audit,
    registry.registry,
    mock.mock,
)

app.add_typer(db.app, name="db")
app.add_typer(survey.app, name="survey")
app.add_typer(versions.app, name="versions")
app.add_typer(reference.app, name="reference")
app.add_typer(jobs.app, name="jobs")
app.add_typer(provenance.app, name="provenance")
app.add_typer(key.app, name="key")
for command in COMMANDS:
    app.command()(command)
app.command(context_settings=cone.CONTEXT)(cone.cone)


def run() -> None:
    """Run the command line; a request to end leaves through the open blocks, so that they can clean up."""
    for request in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(request) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(request, _leave)
    app(prog_name="sos")


def _leave(request: int, _frame: object) -> None:
    raise SystemExit(128 + request)
