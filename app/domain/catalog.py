"""Slices of the tables that SoS serves: which rows, which columns, how many."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain.errors import ParameterError

if TYPE_CHECKING:
    from app.domain.columns import Column
    from app.domain.regions import Region

USUAL_PAGE = 1_000
LARGEST_PAGE = 10_000


@dataclass(frozen=True)
class Bounds:
    """Both ends are inside; None leaves an end open."""

    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Slice:
    """A part of the homogenized catalogue.

    Attributes:
        columns: which columns, in order.
        bounds: limits by column name (`teff`, `logg`, `feh`, `g_mag`); a star without the value is outside.
        survey: only stars with a calibrated measurement of this survey.
        in_domain: only stars all of whose contributions lie inside their calibration's domain (True), or the others.
        n_min: only stars with at least so many measurements in one parameter.
        regions: only stars in each of these parts of the sky.
    """

    columns: tuple[Column, ...]
    bounds: dict[str, Bounds] = field(default_factory=dict)
    survey: str | None = None
    in_domain: bool | None = None
    n_min: int | None = None
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if "\0" in (self.survey or ""):
            raise ParameterError("survey", "holds a NUL character, which no name has")
        for name, bounds in self.bounds.items():
            if bounds.lowest is not None and bounds.highest is not None and bounds.lowest > bounds.highest:
                raise ParameterError(f"{name}_min", f"{bounds.lowest:g} is above {name}_max = {bounds.highest:g}")

    @property
    def whole(self) -> bool:
        """Whether it has every star."""
        open_bounds = all(bounds == Bounds() for bounds in self.bounds.values())
        return open_bounds and replace(self, bounds={}) == Slice(self.columns)


@dataclass(frozen=True)
class MeasurementSlice:
    """A part of one survey's measurements.

    Attributes:
        survey: name of the survey.
        columns: names of columns, all where it is empty.
        split: only stars of this part: train, conformalize or test.
        in_domain: only measurements inside (outside) the domain of their calibration.
    """

    survey: str
    columns: tuple[str, ...] = ()
    split: str | None = None
    in_domain: bool | None = None


@dataclass(frozen=True)
class Page:
    """At most `limit` rows, from after the place that `after` names (a token of the page before)."""

    limit: int
    after: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows of a version as the text of a JSON array, which nobody on the way needs to understand.

    Attributes:
        version: the version that all rows are from, None where no version has been published.
        json: a JSON array of objects, one a row.
        count: its length.
        next: token of the next page, None where this is the last one.
    """

    version: int | None
    json: bytes
    count: int
    next: str | None
