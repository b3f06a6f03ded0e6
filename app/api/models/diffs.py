"""Shapes of answers about what changed between two versions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from app.domain.diffs import Change, MovedPage, MovedStar, ParameterDiff, SideBySide, VersionDiff
from app.domain.quantities import QUANTITIES, Parameter

QUANTILE_NAMES = ("q025", "q16", "median", "q84", "q975")


class ChangeAnswer(TypedDict):
    """Second minus first version, for a group of stars; quantiles of the change, to 1 %, null for no star."""

    n: Annotated[int, Field(description="stars with a value in both")]
    moved: Annotated[int, Field(description="stars that changed by more than `sigma` errors")]
    q025: float | None
    q16: float | None
    median: float | None
    q84: float | None
    q975: float | None


class RegionAnswer(ChangeAnswer):
    """Stars of a region of the sky, degrees."""

    ra_min: float
    ra_max: float
    dec_min: float
    dec_max: float


class KindAnswer(ChangeAnswer):
    """Stars of a kind: one parameter, in the first version, from `lowest` to below `highest`; null is open."""

    parameter: str
    lowest: float | None
    highest: float | None


class ParameterDiffAnswer(TypedDict):
    """How one parameter changed."""

    unit: str
    lost: Annotated[int, Field(description="stars that had a value and have none")]
    gained: Annotated[int, Field(description="stars that had none and have a value")]
    all: ChangeAnswer
    surveys: Annotated[dict[str, ChangeAnswer], Field(description="stars that a survey measured, by its name")]
    regions: list[RegionAnswer]
    kinds: list[KindAnswer]


class SideAnswer(TypedDict):
    """A setting or figure of both versions; null where a version has none."""

    name: str
    first: Any
    second: Any


class SummaryAnswer(TypedDict):
    """What changed, summed up."""

    common: Annotated[int, Field(description="stars in both versions")]
    only_first: int
    only_second: int
    moved: Annotated[int, Field(description="stars that changed by more than `sigma` errors in some parameter")]
    parameters: dict[str, ParameterDiffAnswer]
    plan: Annotated[list[SideAnswer], Field(description="settings of the plan that differ, by their path")]
    models: Annotated[list[SideAnswer], Field(description="kinds of models that differ, by survey and parameter")]
    pairs: Annotated[list[SideAnswer], Field(description="surveys after calibration, as the validation reports say")]


class MovedAnswer(TypedDict):
    """A star that moved."""

    star_id: str
    gaia_dr3_source_id: str | None
    ra: float
    dec: float
    teff: Annotated[list[float | None], Field(description="in the first version and in the second, K")]
    logg: list[float | None]
    feh: list[float | None]
    pull: Annotated[float, Field(description="largest change of the three, in units of its error")]


class DiffAnswer(TypedDict):
    """What changed from the first version to the second, and a page of the stars that moved, the farthest first."""

    first: int
    second: int
    sigma: float
    summary: Annotated[SummaryAnswer | None, Field(description="on the first page; null on those that `next` leads to")]
    count: Annotated[int, Field(description="stars on this page")]
    truncated: Annotated[bool, Field(description="more stars moved than are listed here")]
    next: str | None
    stars: list[MovedAnswer]


def diff_answer(
    first: int, second: int, sigma: float, summary: VersionDiff | None, page: MovedPage, following: str | None
) -> DiffAnswer:
    """Return the answer that shows a page of moved stars, with the summary where there is one."""
    return {
        "first": first,
        "second": second,
        "sigma": sigma,
        "summary": None if summary is None else summary_answer(summary),
        "count": len(page.stars),
        "truncated": page.next is not None,
        "next": following,
        "stars": [_moved(star) for star in page.stars],
    }


def summary_answer(diff: VersionDiff) -> SummaryAnswer:
    """Return the answer that sums a comparison up."""
    return {
        "common": diff.common,
        "only_first": diff.only_first,
        "only_second": diff.only_second,
        "moved": diff.moved,
        "parameters": {
            str(parameter): _parameter(QUANTITIES[parameter].unit, found)
            for parameter, found in diff.parameters.items()
        },
        "plan": _sides(diff.plan),
        "models": _sides(diff.models),
        "pairs": _sides(diff.pairs),
    }


def _parameter(unit: str, found: ParameterDiff) -> ParameterDiffAnswer:
    return {
        "unit": unit,
        "lost": found.lost,
        "gained": found.gained,
        "all": change_answer(found.everything),
        "surveys": {name: change_answer(change) for name, change in found.surveys.items()},
        "regions": [
            {"ra_min": ra_min, "ra_max": ra_max, "dec_min": dec_min, "dec_max": dec_max, **change_answer(change)}
            for (ra_min, ra_max, dec_min, dec_max), change in found.regions
        ],
        "kinds": [
            {"parameter": str(parameter), "lowest": lowest, "highest": highest, **change_answer(change)}
            for parameter, lowest, highest, change in found.kinds
        ],
    }


def change_answer(change: Change) -> ChangeAnswer:
    """Return the answer for a group of stars; five decimals, for the values are single precision."""
    known = change.quantiles or (None,) * len(QUANTILE_NAMES)
    q025, q16, median, q84, q975 = (None if value is None else round(value, 5) for value in known)
    return {
        "n": change.n,
        "moved": change.beyond,
        "q025": q025,
        "q16": q16,
        "median": median,
        "q84": q84,
        "q975": q975,
    }


def _sides(sides: tuple[SideBySide, ...]) -> list[SideAnswer]:
    return [{"name": side.name, "first": side.first, "second": side.second} for side in sides]


def _moved(star: MovedStar) -> MovedAnswer:
    gaia = star.gaia_dr3_source_id
    return {
        "star_id": str(star.star_id),
        "gaia_dr3_source_id": None if gaia is None else str(gaia),
        "ra": star.ra,
        "dec": star.dec,
        "teff": list(star.values[Parameter.TEFF]),
        "logg": list(star.values[Parameter.LOGG]),
        "feh": list(star.values[Parameter.FEH]),
        "pull": star.pull,
    }
