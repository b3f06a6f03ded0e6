"""`sos demo`: from survey files to a running service, in one command; the second time it starts at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context
from app.cli.calibrate import finish
from app.domain.errors import ParameterError

if TYPE_CHECKING:
    from app.domain.surveys import Ingestion
    from app.storage.engine import Database

DEFAULT_STARS = 200_000
DEFAULT_SEED = 20240117


def demo(
    *,
    data: Annotated[Path | None, typer.Option(help="Folder of survey files; a simulated sky if not given.")] = None,
    stars: Annotated[int, typer.Option(help="Stars of the simulated sky.", min=10_000)] = DEFAULT_STARS,
    port: Annotated[int | None, typer.Option(help="Port of the service (SOS_PORT).", min=0, max=65535)] = None,
    serve: Annotated[bool, typer.Option(help="Serve when the data are ready; else only prepare them.")] = True,
) -> None:
    """Ingest, cross-match, calibrate, homogenize, validate and publish what is new, then serve until Ctrl-C."""
    if data is not None and not data.is_dir():
        raise ParameterError("--data", f"{data} is not a folder of survey files")
    context.use(port=port)
    with ExitStack() as stack:
        database = stack.enter_context(context.open_database(migrated=False))
        prepare(database, _folder(data, stars))
        if serve:
            stack.enter_context(_worker(database.url))
            _serve(database)


def prepare(database: Database, folder: Path) -> None:
    """Bring the published version up to the survey files of a folder; what is there already is not done again."""
    from app.storage import frames, migrate, versions

    with database.begin() as connection:
        migrate.upgrade(connection)
    _ingest(database, folder)
    _load_references(database, folder / "reference")
    with database.connect() as connection:
        incomplete = frames.count_matches(connection) != frames.count_measurements(connection)
    if incomplete:
        _crossmatch(database)
    with database.connect() as connection:
        current = versions.current(connection)
        served = versions.get(connection, current).inputs if current is not None else None
        snapshot = frames.data_snapshot(connection)
    if served != snapshot:
        _calibrate(database)


def _folder(data: Path | None, stars: int) -> Path:
    """Return the folder of survey files, after making the simulated sky where none was named."""
    if data is not None:
        return data
    from app.pipeline.mock import is_complete, write_sky

    folder = context.settings().state_folder / "mock"
    if not is_complete(folder, stars=stars, seed=DEFAULT_SEED):
        with context.progress("simulate the sky") as progress:
            write_sky(folder, stars=stars, seed=DEFAULT_SEED, progress=progress)
    return folder


def _ingest(database: Database, folder: Path) -> None:
    from app.pipeline.ingest import ingest_folder
    from app.surveys import loader

    own = loader.own(context.settings().state_folder / "surveys")
    with context.progress("ingest survey files") as progress:
        taken = ingest_folder(database, folder, extra_descriptors=own, progress=progress)
    for file in taken:
        context.say(_account(file))


def _load_references(database: Database, folder: Path) -> None:
    """Load the external scales that lie beside the surveys, if any: validation compares with them."""
    from app.cli.reference import account, take_in

    if not folder.is_dir():
        return
    for file in take_in(database, folder).files:
        context.say(account(file))


def _account(file: Ingestion) -> str:
    again = ", taken in before" if file.repeated else ""
    return (
        f"{file.file_name}: {file.survey}, {file.rows_read:,} rows read = "
        f"{file.rows_stored:,} stored + {file.rows_rejected:,} rejected{again}"
    )


def _crossmatch(database: Database) -> None:
    from app.pipeline.crossmatch import crossmatch, survey_radii

    with context.progress("cross-match surveys") as progress:
        summary = crossmatch(database, survey_radii(database), progress=progress)
    context.say(f"{summary.stars:,} stars of {summary.measurements:,} measurements, {summary.ambiguous:,} ambiguous")


def _calibrate(database: Database) -> None:
    """Make a version and publish it, or go on with the one that an earlier start has begun."""
    from app.domain.errors import AlreadyRunningError
    from app.pipeline.plans import default_plan
    from app.pipeline.requests import Calibration, Requests

    requests = Requests(database, context.settings().descriptors_folder)
    try:
        job_id = requests.calibrate(Calibration(default_plan(), publish=True), requested_by=context.user())
    except AlreadyRunningError as running:
        job_id = running.job_id
    finish(database, job_id, jobs=context.settings().jobs)


@contextmanager
def _worker(database_url: str) -> Iterator[Any]:
    """Run a worker beside the service, and end it with the service."""
    command = [sys.executable, "-m", "workers.main"]
    environment = context.child_environment(database_url)
    with subprocess.Popen(command, env=environment, start_new_session=True) as process:  # noqa: S603 - our own module
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def _serve(database: Database) -> None:
    from app.cli.serve import run_service
    from app.services.access import ensure_demo_key

    settings = context.settings()
    address = f"http://{settings.host}:{settings.port}"
    key = ensure_demo_key(database)
    if key is not None:
        context.say(f"a key to administration, shown this once: {key}")
    context.say(f"ready: {address}  (API {address}/docs, a first query {address}/v1/surveys); Ctrl-C ends it")
    run_service(settings, database.url)
