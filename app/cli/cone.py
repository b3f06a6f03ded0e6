"""`sos cone`: stars in a cone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.catalog import Page, Rows
    from app.domain.sky import Cone

SHOWN = ("star_id", "gaia_dr3_source_id", "ra", "dec", "teff", "logg", "feh", "separation_arcsec")
# A declination begins with a minus sign as often as not, and must not be taken for an option.
CONTEXT = {"ignore_unknown_options": True}


def cone(
    ra: Annotated[str, typer.Argument(help="Right ascension: degrees, or hours as 08:51:23.1.")],
    dec: Annotated[str, typer.Argument(help="Declination: degrees, decimal or as +11:48:49.")],
    radius: Annotated[str, typer.Argument(help="Radius, in degrees unless --unit says otherwise.")],
    *,
    unit: Annotated[str, typer.Option(help="Unit of the radius: deg, arcmin or arcsec.")] = "deg",
    limit: Annotated[int, typer.Option(help="Stars at most.", min=1, max=10_000)] = 1_000,
    version: Annotated[int | None, typer.Option(help="A kept version; the published one if not given.", min=1)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON with every column.")] = False,
) -> None:
    """List the stars in a cone, nearest first."""
    import orjson

    from app.domain.catalog import Page
    from app.domain.sky import Cone

    asked = Cone.parse(ra, dec, radius, unit)
    with context.open_database() as database:
        rows = asyncio.run(_read(database.url, asked, Page(limit), version))
    stars = orjson.loads(rows.json)
    context.emit(stars if json else [{name: star[name] for name in SHOWN} for star in stars], json=json)
    if rows.next is not None:
        context.say(f"there are more than {limit} stars in this cone: raise --limit, or use `sos export`")


async def _read(url: str, asked: Cone, page: Page, version: int | None) -> Rows:
    from app.factory import Factory

    async with Factory(url, pool_size=1, stream_pool_size=1) as factory:
        return await factory.catalog().cone(asked, page, version)
