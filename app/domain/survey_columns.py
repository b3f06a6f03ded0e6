"""Which column of a survey's table holds what: identifiers, positions, magnitudes, parameters and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.cuts import Scalar
from app.domain.quantities import PARAMETERS, Parameter


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers in a unit; more than one column means: the first that has a value."""

    column: str | tuple[str, ...]
    unit: str | None = None

    def columns(self) -> tuple[str, ...]:
        """Return the columns in the order in which they are asked."""
        return (self.column,) if isinstance(self.column, str) else self.column


@dataclass(frozen=True)
class Identifier:
    """A column of identifiers and those that mean "none"."""

    column: str
    missing: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Identifiers:
    """Identifiers that other surveys share. A Gaia DR2 id never stands for a DR3 id; EDR3 ids are DR3 ids."""

    gaia_dr3: Identifier | None = None
    gaia_dr2: Identifier | None = None
    tmass: Identifier | None = None


@dataclass(frozen=True)
class Position:
    """Where the object is: `ra` and `dec`, or the 2MASS designation that spells them (`from_tmass`).

    `epoch_jyear` is the epoch of the positions (Julian year), `match_radius_arcsec` how far apart two positions of one
    star may be.
    """

    match_radius_arcsec: float
    ra: NumberColumn | None = None
    dec: NumberColumn | None = None
    from_tmass: str | None = None
    epoch_jyear: float = 2000.0
    epoch_column: str | None = None
    pm_ra_cosdec: NumberColumn | None = None
    pm_dec: NumberColumn | None = None

    def __post_init__(self) -> None:
        if (self.ra is None) != (self.dec is None):
            raise ValueError("dec: ra and dec are given together")
        if (self.ra is None) == (self.from_tmass is None):
            raise ValueError("ra: give either ra and dec, or from_tmass")
        if not 0 < self.match_radius_arcsec <= 60:
            raise ValueError(f"match_radius_arcsec: must be above 0 and at most 60, got {self.match_radius_arcsec}")
        if not 1900 <= self.epoch_jyear <= 2100:
            raise ValueError(f"epoch_jyear: must be a Julian year such as 2016.0, got {self.epoch_jyear}")


@dataclass(frozen=True)
class Magnitudes:
    """Magnitudes: Gaia G, BP, RP and 2MASS Ks."""

    g: NumberColumn | None = None
    bp: NumberColumn | None = None
    rp: NumberColumn | None = None
    k: NumberColumn | None = None


@dataclass(frozen=True)
class Condition:
    """A column that has one value."""

    column: str
    equals: Scalar


class ErrorKind(StrEnum):
    """How a survey quotes the error of a parameter."""

    SYMMETRIC = "symmetric"
    VARIANCE = "variance"
    PERCENTILES = "percentiles"
    ABSENT = "absent"


@dataclass(frozen=True)
class ErrorModel:
    """The error of a parameter: what the survey quotes, then `sqrt((scale * quoted)**2 + floor**2)`.

    `symmetric` takes one `column`, `variance` its square, `percentiles` the 16th (`lower`) and 84th (`upper`)
    percentile, `absent` nothing: its `floor`, where given, is the error. Where `not_where` holds, the survey's
    value is not an error (imputed, for one) and the error is unknown.
    """

    kind: ErrorKind
    column: str | None = None
    lower: str | None = None
    upper: str | None = None
    scale: float = 1.0
    floor: float = 0.0
    not_where: Condition | None = None

    def __post_init__(self) -> None:
        needed = {
            ErrorKind.SYMMETRIC: ("column",),
            ErrorKind.VARIANCE: ("column",),
            ErrorKind.PERCENTILES: ("lower", "upper"),
            ErrorKind.ABSENT: (),
        }[self.kind]
        for key in ("column", "lower", "upper"):
            if (getattr(self, key) is not None) != (key in needed):
                raise ValueError(f"{key}: an error of kind {self.kind} takes {' and '.join(needed) or 'no column'}")
        if self.scale <= 0:
            raise ValueError(f"scale: must be positive, got {self.scale}")
        if self.floor < 0:
            raise ValueError(f"floor: must not be negative, got {self.floor}")

    def columns(self) -> tuple[str, ...]:
        """Return the columns that the error is read from."""
        named = (self.column, self.lower, self.upper, self.not_where.column if self.not_where else None)
        return tuple(name for name in named if name is not None)


@dataclass(frozen=True)
class Polynomial:
    """A published correction: value + sum of `coefficients[i] * of**i`.

    `of` is a parameter as the survey gives it. Without `apply` the correction is on record but not used.
    """

    of: Parameter
    coefficients: tuple[float, ...]
    apply: bool = False

    def __post_init__(self) -> None:
        if not self.coefficients:
            raise ValueError("coefficients: give at least the constant term")


@dataclass(frozen=True)
class ParameterColumn:
    """Where one stellar parameter stands, its unit, its error and, if wanted, a published correction."""

    column: str
    error: ErrorModel
    unit: str | None = None
    correction: Polynomial | None = None


@dataclass(frozen=True)
class Parameters:
    """The columns of the three stellar parameters; a survey may lack one."""

    teff: ParameterColumn | None = None
    logg: ParameterColumn | None = None
    feh: ParameterColumn | None = None

    def __post_init__(self) -> None:
        given = self.given()
        if not given:
            raise ValueError("teff: at least one of teff, logg and feh is needed")
        for name, column in given.items():
            if column.correction and column.correction.of not in given:
                raise ValueError(f"{name}.correction.of: the survey has no {column.correction.of}")

    def given(self) -> dict[Parameter, ParameterColumn]:
        """Return the parameters that the survey has."""
        pairs = {name: getattr(self, name.value) for name in PARAMETERS}
        return {name: column for name, column in pairs.items() if column is not None}


@dataclass(frozen=True)
class Correlation:
    """The correlation of two parameters' errors: a column of it, a column of the covariance, or one number for all."""

    column: str | None = None
    covariance: str | None = None
    constant: float | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.column, self.covariance, self.constant)) != 1:
            raise ValueError("column: give exactly one of column, covariance and constant")
        if self.constant is not None and not -1 < self.constant < 1:
            raise ValueError(f"constant: must be between -1 and 1, got {self.constant}")


@dataclass(frozen=True)
class Correlations:
    """Correlations between the errors of the parameters."""

    teff_logg: Correlation | None = None
    teff_feh: Correlation | None = None
    logg_feh: Correlation | None = None
