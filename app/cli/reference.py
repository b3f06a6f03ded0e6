"""`sos reference`: external scales that validation compares with, and that no model ever sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.references import ReferenceFile
    from app.pipeline.external_tables import Loaded
    from app.storage.engine import Database

app = typer.Typer(
    help="External scales for validation: benchmark stars, clusters, asteroseismology.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="Folder of reference tables (CSV, FITS, VOTable, ...).")],
    *,
    json: AsJson = False,
) -> None:
    """Load the reference tables of a folder; each replaces what its source had before."""
    with context.open_database() as database:
        loaded = take_in(database, folder)
    context.emit([_row(file) for file in loaded.files], json=json)


@app.command("list")
def list_loaded(*, json: AsJson = False) -> None:
    """List the reference tables that are loaded, with what was left out of each."""
    from app.storage import references

    with context.open_database() as database, database.connect() as connection:
        found = references.files(connection)
    context.emit([_row(file) for file in found], json=json)


def take_in(database: Database, folder: Path) -> Loaded:
    """Load a folder and name the files that are no reference tables."""
    from app.pipeline.external_tables import load_folder

    loaded = load_folder(database, folder)
    for name, why in loaded.skipped:
        context.say(f"{name} was left: {why}")
    return loaded


def account(file: ReferenceFile) -> str:
    """Return one line about a loaded file."""
    left = "".join(f", {count:,} left out: {reason}" for reason, count in file.left_out.items())
    again = ", loaded before" if file.repeated else ""
    return f"{file.file_name}: {file.title}, {file.rows_stored:,} of {file.rows_read:,} rows{left}{again}"


def _row(file: ReferenceFile) -> dict[str, Any]:
    return {
        "source": file.source,
        "title": file.title,
        "citation": file.citation,
        "file": file.file_name,
        "rows": file.rows_stored,
        "left out": ", ".join(f"{count} {reason}" for reason, count in file.left_out.items()),
    }
