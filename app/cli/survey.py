"""`sos survey`: what is in, new descriptors, taking files in, rejected rows, and downloads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context
from app.cli.audit import on_record

if TYPE_CHECKING:
    from app.domain.descriptors import SurveyDescriptor
    from app.domain.surveys import Ingestion
    from app.pipeline.trial import Trial

app = typer.Typer(help="Surveys: what is in, new ones, files, rejected rows, downloads.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="Name of a survey, such as galah_dr3.")]


@app.command("list")
def list_surveys(
    known: Annotated[bool, typer.Option("--known", help="List the formats that can be taken in instead.")] = False,
    json: AsJson = False,
) -> None:
    """List the surveys that are in, with their counts."""
    from app.storage import surveys

    if known:
        context.emit([_known_row(one) for one in _descriptors()], json=json)
        return
    with context.open_database() as database, database.connect() as connection:
        found = surveys.list_all(connection)
    columns = ("name", "title", "release", "n_files", "n_rows", "n_rejects")
    context.emit([{key: getattr(survey, key) for key in columns} for survey in found], json=json)


@app.command()
def add(
    descriptor: Annotated[Path, typer.Argument(help="A descriptor (TOML); docs/surveys.md says how to write one.")],
    table: Annotated[Path | None, typer.Option(help="A table of the survey to try it on first.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an installed descriptor of this name.")] = False,
    json: AsJson = False,
) -> None:
    """Check a descriptor, on a table if one is given, and install it in the state folder."""
    from app.domain.errors import ConflictError
    from app.surveys import loader

    checked = loader.load(descriptor)
    if table is not None:
        _print_trial(_try(checked, table), json=json)
    installed = _folder() / descriptor.name
    content = descriptor.read_bytes()
    if installed.exists() and installed.read_bytes() != content and not replace:
        raise ConflictError(f"{installed} is another descriptor: rename yours, or replace it (--replace)")
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.write_bytes(content)
    context.say(
        f"{checked.name} ({checked.format}) is installed; take files in with: sos survey ingest {checked.name} FILE"
    )


@app.command()
def ingest(
    name: Annotated[str | None, typer.Argument(help="Name of the survey.")] = None,
    files: Annotated[list[Path] | None, typer.Argument(help="Files of the survey.")] = None,
    folder: Annotated[Path | None, typer.Option("--all", help="A folder: every file is recognised.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put this in the place of what other files brought into the survey.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take files in: every row becomes a measurement or a reject; a file that is in already is left as it is."""
    from app.domain.errors import ParameterError

    if (folder is None) == (name is None or not files):
        raise ParameterError("FILE", "give a survey's name and its files, or --all and a folder")
    if folder is not None and replace:
        raise ParameterError("--replace", "goes with one survey, not with --all")
    taken = _ingest_folder(folder) if folder is not None else _ingest_files(str(name), files or [], replace=replace)
    columns = ("file_name", "survey", "file_format", "rows_read", "rows_stored", "rows_rejected", "repeated")
    context.emit([{key: getattr(one, key) for key in columns} for one in taken], json=json)


@app.command()
def rejects(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="How many rows at most.")] = 20,
    reasons: Annotated[bool, typer.Option("--reasons", help="Count the rows by reason instead.")] = False,
    json: AsJson = False,
) -> None:
    """Show rows that could not become measurements: where they stand, why, and what they said."""
    from app.storage import surveys

    with context.open_database() as database, database.connect() as connection:
        surveys.get(connection, name)
        if reasons:
            counts = surveys.reject_reasons(connection, name)
            context.emit([{"reason": reason, "rows": count} for reason, count in counts.items()], json=json)
            return
        found = surveys.rejects(connection, name, limit=limit)
    context.emit([_reject_row(asdict(one), json=json) for one in found], json=json)


@app.command()
def errors(
    name: Annotated[str | None, typer.Argument(help="Name of a survey; all of them if not given.")] = None,
    json: AsJson = False,
) -> None:
    """Compare declared errors with repeat spectra and the three-cornered hat; it reports and changes nothing."""
    from app.pipeline.error_models import survey_errors

    with context.open_database() as database:
        found = [one.as_mapping() for one in survey_errors(database, name)]
    context.emit(found if json else [_error_row(row) for row in found], json=json)


@app.command()
def fetch(
    name: Name,
    out: Annotated[Path, typer.Option(help="File to write, ending in .parquet.")],
    limit: Annotated[int | None, typer.Option(min=1, help="How many rows at most.")] = None,
    region: Annotated[str | None, typer.Option(help="RA,DEC,RADIUS in degrees.")] = None,
    url: Annotated[str | None, typer.Option(help="Another TAP service with the same table.")] = None,
) -> None:
    """Download rows of a released survey; started again after an interruption, it goes on where it stopped."""
    from app.domain.errors import ParameterError
    from app.pipeline.fetch import fetch as download
    from app.pipeline.remote import Cone
    from app.surveys import loader

    formats = loader.by_name(name, _descriptors())
    remote = [one for one in formats if one.fetch is not None]
    if not remote:
        raise ParameterError(
            "NAME", f"{name} has no service to be downloaded from; sos survey list --known says which have"
        )
    cone = Cone.parse(region) if region else None
    with context.progress(f"download {name}") as progress:
        done = download(remote[0], out, limit=limit, cone=cone, url=url, progress=progress)
    context.say(
        f"{done.rows:,} rows in {done.file}"
        + (f", {done.resumed_from:,} of them from before" if done.resumed_from else "")
    )


def _descriptors() -> tuple[SurveyDescriptor, ...]:
    from app.surveys import loader

    return loader.known(_folder())


def _folder() -> Path:
    return context.settings().state_folder / "surveys"


def _ingest_folder(folder: Path) -> list[Ingestion]:
    from app.pipeline.ingest import ingest_folder
    from app.pipeline.requests import CATALOGUE, insist_on_free
    from app.surveys import loader

    own = loader.own(_folder())
    with context.open_database() as database, context.progress("ingest") as progress:
        insist_on_free(database, holds=(CATALOGUE,))
        return ingest_folder(database, folder, extra_descriptors=own, progress=progress, announce=context.say)


def _ingest_files(name: str, files: list[Path], *, replace: bool) -> list[Ingestion]:
    from app.pipeline.ingest import ingest as take_in
    from app.pipeline.readers import open_table
    from app.pipeline.requests import CATALOGUE, insist_on_free
    from app.surveys import loader

    formats = loader.by_name(name, _descriptors())
    chosen = [loader.recognise(open_table(path).schema.names, path.name, formats) for path in files]
    taken = []
    with context.open_database() as database:
        insist_on_free(database, holds=(CATALOGUE,))
        for number, (path, descriptor) in enumerate(zip(files, chosen, strict=True)):
            given = {"filename": path.name, "replace": replace}
            with context.progress(path.name) as progress, on_record(database, "survey.ingest", f"survey {name}", given):
                first = replace and number == 0
                taken.append(take_in(database, descriptor, path, replace_earlier=first, progress=progress))
    return taken


def _try(descriptor: SurveyDescriptor, table: Path) -> Trial:
    from app.pipeline.trial import try_descriptor

    with context.progress(table.name) as progress:
        return try_descriptor(descriptor, table, progress=progress)


def _print_trial(trial: Trial, *, json: bool) -> None:
    if json:
        context.emit(asdict(trial), json=True)
        return
    context.emit([asdict(one) for one in trial.mapping])
    context.emit(trial.first_rows)
    counts = [("rows", "read", trial.rows), ("rows", "stored", trial.stored)]
    counts += [("rejected", reason, count) for reason, count in trial.rejected.items()]
    counts += [("fails the cut", cut, count) for cut, count in trial.failed_cuts.items()]
    counts += [("without a value", column, count) for column, count in trial.without_value.items()]
    context.emit([{"": what, "what": which, "rows": count} for what, which, count in counts])


def _known_row(descriptor: SurveyDescriptor) -> dict[str, Any]:
    return {
        "name": descriptor.name,
        "format": descriptor.format,
        "title": descriptor.title,
        "download": descriptor.fetch.url if descriptor.fetch else None,
        "descriptor": descriptor.source,
    }


def _reject_row(row: dict[str, Any], *, json: bool) -> dict[str, Any]:
    if not json:
        row["original"] = ", ".join(f"{key}={value}" for key, value in row["original"].items() if value is not None)
    return row


def _error_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that a person compares, errors behind their values."""

    def with_error(key: str) -> str | None:
        value, error = row[key], row[f"{key}_error"]
        return None if value is None else f"{value:.3g} ± {error:.2g}" if error is not None else f"{value:.3g}"

    return {
        **{key: row[key] for key in ("survey", "parameter", "quoted", "declared", "repeat_stars")},
        **{key: with_error(key) for key in ("repeats", "k", "floor")},
        "hat_stars": row["hat_stars"],
        "hat": with_error("hat"),
        "hat_with": row["hat_with"],
        **{key: row[key] for key in ("stands", "stands_k", "stands_floor", "source")},
    }
