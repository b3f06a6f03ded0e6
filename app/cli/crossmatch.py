"""`sos crossmatch`: all measurements to stars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import context
from app.domain.errors import ParameterError

if TYPE_CHECKING:
    from app.domain.stars import CrossmatchSummary


def crossmatch(
    radius: Annotated[
        list[str] | None,
        typer.Option(help="SURVEY=ARCSEC: a match radius in place of the descriptor's; may be repeated."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Match everything anew, also what cannot have changed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Match the measurements of all surveys to stars: by identifiers, then by position.

    Stars keep their numbers from one run to the next. What cannot be told apart is flagged, never guessed. Only what
    new and replaced measurements can have changed is looked at, where that is a small part: the stars are the same.
    """
    from app.pipeline.crossmatch import crossmatch as match
    from app.pipeline.crossmatch import survey_radii
    from app.pipeline.requests import CATALOGUE, insist_on_free

    with context.open_database() as database:
        insist_on_free(database, holds=(CATALOGUE,))
        radii = survey_radii(database)
        chosen = _radii(radius or [], known=list(radii))
        with context.progress("cross-match surveys") as progress:
            summary = match(database, radii | chosen, full=full, progress=progress)
    if json:
        context.emit(summary, json=True)
    else:
        _print(summary)


def _radii(options: list[str], *, known: list[str]) -> dict[str, float]:
    chosen = {}
    for option in options:
        survey, _, text = option.partition("=")
        if survey not in known:
            raise ParameterError("--radius", f"no survey {survey!r} has been ingested; there is {', '.join(known)}")
        chosen[survey] = _arcsec(option, text)
    return chosen


def _arcsec(option: str, text: str) -> float:
    try:
        radius = float(text)
    except ValueError:
        radius = 0.0
    if not 0.0 < radius <= 60.0:
        raise ParameterError("--radius", f"must be SURVEY=ARCSEC with a radius above 0 and at most 60, got {option!r}")
    return radius


def _print(summary: CrossmatchSummary) -> None:
    """Print counts, the number of common stars of each two surveys, and what was left aside."""
    counts = vars(summary) | {"overlaps": None, "rounded_ids": None, "why_full": None}
    context.emit({name.replace("_", " "): f"{count:,}" for name, count in counts.items() if count is not None})
    if summary.overlaps:
        context.emit([{"survey": one.first, "and": one.second, "stars": one.stars} for one in summary.overlaps])
    if summary.why_full is not None:
        context.say(f"all measurements were matched anew: {summary.why_full}")
    for one in summary.rounded_ids:
        context.say(
            f"{one.survey}: the Gaia ids of {one.rows:,} rows went through a floating-point number, their last digits "
            "are lost; these rows were matched without them"
        )
