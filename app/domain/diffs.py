"""What changed between two calibration versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.quantities import Parameter


@dataclass(frozen=True)
class Change:
    """Second minus first version in one parameter, for a group of stars.

    Attributes:
        n: stars with a value in both.
        beyond: how many of them moved by more than the limit.
        quantiles: of the change, 2.5, 16, 50, 84, 97.5 %; None for no star.
    """

    n: int
    beyond: int
    quantiles: tuple[float, ...] | None


@dataclass(frozen=True)
class ParameterDiff:
    """One parameter: all stars, then by survey, by region of the sky and by kind of star.

    Attributes:
        lost: stars that had a value and have none.
        gained: stars that have one now.
        everything: all stars.
        surveys: by name of a survey, the stars that it measured.
        regions: right ascension from, to, declination from, to (degrees), and the stars there.
        kinds: parameter, from, to (None: open) by the value in the first version, and such stars.
    """

    lost: int
    gained: int
    everything: Change
    surveys: dict[str, Change]
    regions: tuple[tuple[tuple[float, float, float, float], Change], ...]
    kinds: tuple[tuple[Parameter, float | None, float | None, Change], ...]


@dataclass(frozen=True)
class MovedStar:
    """A star that moved: value before and after by parameter, and the largest change in units of its errors."""

    star_id: int
    gaia_dr3_source_id: int | None
    ra: float
    dec: float
    values: dict[Parameter, tuple[float | None, float | None]]
    pull: float


@dataclass(frozen=True)
class SideBySide:
    """A figure or setting of both versions under one name; None where a version has none."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class VersionDiff:
    """Everything that changed.

    Attributes:
        first: a version.
        second: the other.
        sigma: limit beyond which a star counts as moved.
        common: stars in both.
        only_first: stars of the first alone.
        only_second: stars of the second alone.
        moved: stars that moved by more than `sigma` in some parameter.
        parameters: change by parameter.
        plan: settings that differ.
        models: kinds of models that differ, by survey and parameter.
        pairs: validation figures of both, by pair of surveys and parameter.
    """

    first: int
    second: int
    sigma: float
    common: int
    only_first: int
    only_second: int
    moved: int
    parameters: dict[Parameter, ParameterDiff]
    plan: tuple[SideBySide, ...]
    models: tuple[SideBySide, ...]
    pairs: tuple[SideBySide, ...]


@dataclass(frozen=True)
class MovedPage:
    """A page of moved stars, the farthest first; `next` is the token of the next page, None on the last one."""

    stars: tuple[MovedStar, ...]
    next: str | None
