"""`sos versions diff`: what changed from one calibration version to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.diffs import Change, MovedPage, ParameterDiff, VersionDiff


def diff(
    first: Annotated[int, typer.Argument(help="A version.", min=1)],
    second: Annotated[int, typer.Argument(help="The version to compare it with.", min=1)],
    *,
    sigma: Annotated[float, typer.Option(help="A star moved if it changed by more errors than this.", min=0)] = 3.0,
    limit: Annotated[int, typer.Option(help="Moved stars to list, the farthest first.", min=1)] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, as the service answers.")] = False,
) -> None:
    """Print what changed from one version to another: settings, models, every parameter, the stars that moved most.

    Changes are second minus first version: median, 16 to 84 %, 2.5 to 97.5 %, and stars beyond --sigma of their errors.
    """
    from app.services.diffs import Diffs

    with context.open_database() as database:
        service = Diffs(database)
        service.resolve(first, second)
        found = service.compare(first, second, sigma=sigma)
        page = service.moved(first, second, sigma=sigma, limit=limit)
    if json:
        from app.api.models.diffs import diff_answer

        context.emit(diff_answer(first, second, sigma, found, page, None), json=True)
        return
    _show(found, page)


def _show(found: VersionDiff, page: MovedPage) -> None:
    context.say(
        f"{found.common:,} stars in both versions, {found.only_first:,} only in {found.first}, "
        f"{found.only_second:,} only in {found.second}"
    )
    for what in (found.plan, found.models):
        if what:
            context.emit([{"changed": one.name, "first": one.first, "second": one.second} for one in what])
    context.emit([row for parameter, one in found.parameters.items() for row in _changes(str(parameter), one)])
    if found.pairs:
        context.emit(
            [
                {"pair": one.name, **_figures(one.first, "first"), **_figures(one.second, "second")}
                for one in found.pairs
            ]
        )
    context.say(f"{found.moved:,} stars moved by more than {found.sigma:g} errors; the farthest {len(page.stars):,}:")
    if page.stars:
        context.emit([_moved(star) for star in page.stars])


def _changes(parameter: str, found: ParameterDiff) -> Iterator[dict[str, Any]]:
    yield _change(parameter, "all", found.everything)
    for name, change in found.surveys.items():
        yield _change(parameter, name, change)
    for of, lowest, highest, change in found.kinds:
        if change.n:
            ends = ("" if end is None else f"{end:g}" for end in (lowest, highest))
            yield _change(parameter, f"{of} {'..'.join(ends)}", change)


def _change(parameter: str, stars: str, change: Change) -> dict[str, Any]:
    digits = 1 if parameter == "teff" else 4
    known = ["?" if value is None else f"{value:+.{digits}f}" for value in change.quantiles or (None,) * 5]
    return {
        "quantity": parameter,
        "stars": stars,
        "n": change.n,
        "median": known[2],
        "68 %": f"{known[1]} {known[3]}",
        "95 %": f"{known[0]} {known[4]}",
        "moved": change.beyond,
    }


def _figures(side: dict[str, Any] | None, name: str) -> dict[str, Any]:
    figures = side or {}
    return {f"{name} {key}": figures.get(key) for key in ("n", "median", "scatter")}


def _moved(star: Any) -> dict[str, Any]:
    values = {
        str(parameter): " to ".join("?" if value is None else f"{value:g}" for value in pair)
        for parameter, pair in star.values.items()
    }
    return {"star": f"sos:{star.star_id}", "ra": star.ra, "dec": star.dec, **values, "errors": star.pull}
