"""`sos star`: one star, and why its values are what they are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.homogenized import HomogenizedStar
    from app.domain.stars import StarId


def star(
    name: Annotated[str, typer.Argument(metavar="ID", help="gaia:ID, SURVEY:OBJECT, sos:NUMBER or a Gaia DR3 id.")],
    *,
    version: Annotated[int | None, typer.Option(help="A kept version; the published one if not given.", min=1)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, as the service answers.")] = False,
) -> None:
    """Show one star: homogenized values, and every measurement behind them."""
    from app.domain.stars import parse_star_id

    asked = parse_star_id(name, parameter="ID")
    with context.open_database() as database:
        found = asyncio.run(read(database.url, asked, version))
    if json:
        from app.api.models.stars import star_answer

        context.emit(star_answer(found), json=True)
    else:
        _show(found)


async def read(url: str, asked: StarId, version: int | None) -> HomogenizedStar:
    """Return a star of a version, of the published one where none is named."""
    from app.factory import Factory

    async with Factory(url, pool_size=1, stream_pool_size=1) as factory:
        return await factory.catalog().star(asked, version)


def _show(star: HomogenizedStar) -> None:
    context.emit(
        {
            "star": f"sos:{star.star_id}",
            "gaia dr3": star.gaia_dr3_source_id,
            "ra, dec": f"{star.ra:.6f}, {star.dec:+.6f} deg",
            "version": star.version,
        }
    )
    context.emit([_value(star, parameter) for parameter in star.estimates])
    context.emit([row for contribution in star.contributions for row in _rows(contribution)])


def _value(star: HomogenizedStar, parameter: Any) -> dict[str, Any]:
    estimate = star.estimates[parameter]
    interval = estimate.interval
    return {
        "parameter": str(parameter),
        "value": interval.value,
        "lower": interval.lower,
        "upper": interval.upper,
        "n": estimate.n,
        "p": estimate.p_value,
        "flags": estimate.flags,
    }


def _rows(contribution: Any) -> list[dict[str, Any]]:
    return [
        {
            "survey": contribution.survey,
            "object": contribution.object_id,
            "parameter": str(parameter),
            "raw": correction.raw.value,
            "correction": correction.applied.value,
            "calibrated": correction.calibrated.value,
            "lower": correction.calibrated.lower,
            "upper": correction.calibrated.upper,
            "weight": correction.weight,
            "in domain": contribution.in_domain,
            "split": contribution.split,
        }
        for parameter, correction in contribution.corrections.items()
    ]
