"""A homogenized star, with everything that its values were made of.

What a star has dozens of is a named tuple: a frozen dataclass takes three times as long to make, and making them is
much of what it takes to answer for a star.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.domain.quantities import Parameter

SPLITS = ("train", "conformalize", "test")


class Interval(NamedTuple):
    """A value and the ends of its 68 % interval, in the parameter's unit; None where unknown."""

    value: float | None
    lower: float | None
    upper: float | None

    def minus(self, value: float | None) -> Interval:
        """Return the interval as seen from a fixed value; five decimals, for the values are single precision."""
        if value is None:
            return Interval(None, None, None)
        middle, lower, upper = self
        return Interval(
            None if middle is None else round(middle - value, 5),
            None if lower is None else round(lower - value, 5),
            None if upper is None else round(upper - value, 5),
        )


class Estimate(NamedTuple):
    """The combined value of one parameter: `n` measurements, how well they agree, and flags (bit mask)."""

    interval: Interval
    n: int
    chi2: float | None
    p_value: float | None
    flags: int


@dataclass(frozen=True, slots=True)
class ModelReference:
    """The model that corrected a parameter of a survey; `sha256` names its bytes."""

    model_id: int
    stage: str
    kind: str
    direction: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """The file that a measurement was read from; checksums (SHA-256) name its bytes and how its columns were read."""

    ingestion_id: int
    name: str
    sha256: str
    descriptor_sha256: str


class Correction(NamedTuple):
    """How one parameter of a measurement came to the unified scale.

    Attributes:
        raw: what the survey reported, with the interval of its error model.
        calibrated: the value on the unified scale, with its interval.
        weight: share in the combined value, None where it was not combined.
        excluded: a quality cut of the survey excludes this parameter.
        model: the model that made the correction, None where there is none.
    """

    raw: Interval
    calibrated: Interval
    weight: float | None
    excluded: bool
    model: ModelReference | None

    @property
    def applied(self) -> Interval:
        """Calibrated minus raw: the correction, with the interval that it leaves around the raw value."""
        return self.calibrated.minus(self.raw.value)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One measurement of a star; `flags` is a bit mask about its calibration.

    `row_number` is its place in `file`, counted from 1. Object, row and file are None, and raw values unknown, where
    the survey's rows have been replaced since the version was made.
    """

    survey: str
    object_id: str | None
    measurement_id: int
    row_number: int | None
    file: SurveyFile | None
    snr: float | None
    in_domain: bool
    split: str
    flags: int
    corrections: dict[Parameter, Correction]


@dataclass(frozen=True, slots=True)
class HomogenizedStar:
    """A star of a version: position (ICRS, degrees), magnitudes, values, and why they are what they are.

    `correlation` of the errors of two parameters is by both names (`teff_logg`), None where it is unknown.
    """

    version: int
    star_id: int
    gaia_dr3_source_id: int | None
    ra: float
    dec: float
    magnitudes: dict[str, float | None]
    estimates: dict[Parameter, Estimate]
    correlation: dict[str, float | None]
    contributions: tuple[Contribution, ...]
