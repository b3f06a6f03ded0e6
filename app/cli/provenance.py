"""`sos provenance`: where numbers come from, as W3C PROV-JSON."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.cli import context
from app.cli.star import read

app = typer.Typer(no_args_is_help=True, help="Where numbers come from, as W3C PROV-JSON.")


@app.command()
def star(
    name: Annotated[str, typer.Argument(metavar="ID", help="gaia:ID, SURVEY:OBJECT, sos:NUMBER or a Gaia DR3 id.")],
    *,
    version: Annotated[int | None, typer.Option(help="A kept version; the published one if not given.", min=1)] = None,
) -> None:
    """Print every value of a star back to survey rows, file checksums, models, plan and code."""
    from app.domain.stars import parse_star_id
    from app.services.provenance import Provenance

    asked = parse_star_id(name, parameter="ID")
    with context.open_database() as database:
        found = asyncio.run(read(database.url, asked, version))
        context.emit(Provenance(database).of_star(found), json=True)


@app.command()
def version(
    number: Annotated[int | None, typer.Argument(help="Version; the published one if not given.", min=1)] = None,
) -> None:
    """Print how a version was made, from survey files to the published catalogue."""
    from app.services.provenance import Provenance

    with context.open_database() as database:
        _, document = Provenance(database).of_version(number)
        context.emit(document, json=True)
