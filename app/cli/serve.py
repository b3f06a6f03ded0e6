"""`sos serve`: the HTTP service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.settings import Settings

APPLICATION = "app.main:app"
PROTOCOL = "app.api.one_write:OneWrite"
PATIENCE_S = 10
FIGURES_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the library that counts knows that several processes count."""


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on (SOS_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (SOS_PORT).", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (SOS_API_PROCESSES).", min=1)] = None,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve the published version over HTTP until Ctrl-C or SIGTERM; requests at hand are finished first."""
    context.use(host=host, port=port, api_processes=workers)
    with context.open_database() as database:
        run_service(context.settings(), database.url, access_log=access_log)


def run_service(settings: Settings, database_url: str, *, access_log: bool = False) -> None:
    """Run the service on a database that is there already, until the process is asked to end."""
    import uvicorn

    # The processes of the service import the application themselves: what it needs to know is in the environment.
    os.environ.update(context.child_environment(database_url))
    with _shared_figures(settings.api_processes):
        uvicorn.run(
            APPLICATION,
            http=PROTOCOL,
            host=settings.host,
            port=settings.port,
            workers=settings.api_processes,
            access_log=access_log,
            timeout_graceful_shutdown=PATIENCE_S,
        )


@contextmanager
def _shared_figures(processes: int) -> Iterator[None]:
    """Give several processes a folder in which they add up what `/metrics` shows, unless there is one already."""
    if processes == 1 or FIGURES_FOLDER in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="sos-figures-") as folder:
        os.environ[FIGURES_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FIGURES_FOLDER]
