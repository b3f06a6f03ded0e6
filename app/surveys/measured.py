"""Parameters of a table in our units, their errors by the descriptor's error model, and their correlations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.domain.cuts import Scalar
from app.domain.quantities import QUANTITIES, Parameter
from app.domain.survey_columns import Correlation, Correlations, ErrorKind, ErrorModel, ParameterColumn, Parameters
from app.surveys.cells import Cells, Floats, Mask

_PAIRS = (
    ("teff_logg", Parameter.TEFF, Parameter.LOGG),
    ("teff_feh", Parameter.TEFF, Parameter.FEH),
    ("logg_feh", Parameter.LOGG, Parameter.FEH),
)


@dataclass(frozen=True)
class Measured:
    """One parameter (n,): its value and how far its 68 % interval reaches down and up, NaN where not known.

    `quoted` is the mean of the survey's own error, times `scale` but without floor.
    """

    value: Floats
    err_lower: Floats
    err_upper: Floats
    quoted: Floats
    scale: float


def measured(cells: Cells, parameters: Parameters, factors: Mapping[Parameter, float]) -> dict[Parameter, Measured]:
    """Return the parameters of a table; a value outside its physical range is no value.

    Args:
        cells: rows of the table.
        parameters: the descriptor's columns.
        factors: what the values of each parameter are multiplied by to be in our unit.
    """
    given = parameters.given()
    present = {name: column for name, column in given.items() if cells.has(column.column)}
    raw = {name: cells.numbers(column.column) * factors[name] for name, column in present.items()}
    return {name: _one(cells, name, column, raw, factors[name]) for name, column in present.items()}


def _one(
    cells: Cells, name: Parameter, column: ParameterColumn, raw: Mapping[Parameter, Floats], factor: float
) -> Measured:
    value = raw[name]
    lower, upper = _quoted(cells, column.error, value, factor)
    correction = column.correction
    if correction is not None and correction.apply:
        value = value + np.polynomial.polynomial.polyval(raw[correction.of], correction.coefficients)
    quantity = QUANTITIES[name]
    with np.errstate(invalid="ignore"):
        value = np.where((value >= quantity.lowest) & (value <= quantity.highest), value, np.nan)
    known = ~np.isnan(value)
    floor = column.error.floor
    ends = (_floored(lower, floor, known), _floored(upper, floor, known))
    return Measured(value, *ends, (lower + upper) / 2, column.error.scale)


def _quoted(cells: Cells, error: ErrorModel, value: Floats, factor: float) -> tuple[Floats, Floats]:
    """Return the survey's error down and up, scaled; NaN where it gives none."""
    if error.kind == ErrorKind.ABSENT:
        nothing = np.full(len(cells), 0.0 if error.floor else np.nan)
        return nothing, nothing
    if error.kind == ErrorKind.PERCENTILES:
        assert error.lower is not None
        assert error.upper is not None
        lower = value - _numbers(cells, error.lower) * factor
        upper = _numbers(cells, error.upper) * factor - value
        with np.errstate(invalid="ignore"):
            good = (lower >= 0) & (upper >= 0)
    else:
        assert error.column is not None
        lower = _numbers(cells, error.column)
        with np.errstate(invalid="ignore"):
            good = lower > 0
            lower = upper = (np.sqrt(lower) if error.kind == ErrorKind.VARIANCE else lower) * factor
    if error.not_where is not None and cells.has(error.not_where.column):
        good = good & ~_equals(cells, error.not_where.column, error.not_where.equals)
    return np.where(good, error.scale * lower, np.nan), np.where(good, error.scale * upper, np.nan)


def _numbers(cells: Cells, name: str) -> Floats:
    return cells.numbers(name) if cells.has(name) else np.full(len(cells), np.nan)


def _equals(cells: Cells, name: str, value: Scalar) -> Mask:
    if isinstance(value, str):
        texts = cells.texts(name)
        return np.asarray(pc.equal(texts, pa.scalar(value, pa.large_string())).fill_null(False))
    return np.asarray(cells.numbers(name) == float(value))


def _floored(quoted: Floats, floor: float, known: Mask) -> Floats:
    total = np.hypot(quoted, floor)
    with np.errstate(invalid="ignore"):
        return np.where(known & (total > 0), total, np.nan)


def correlated(cells: Cells, correlations: Correlations, parameters: Mapping[Parameter, Measured]) -> dict[str, Floats]:
    """Return `rho_*` (n,) for the pairs that the survey tells, NaN where it does not.

    What the floor adds to an error is independent, so that a correlation of the quoted errors shrinks with it.
    """
    found = {}
    for key, one, other in _PAIRS:
        correlation: Correlation | None = getattr(correlations, key)
        if correlation is not None and one in parameters and other in parameters:
            found[f"rho_{key}"] = _correlation(cells, correlation, parameters[one], parameters[other])
    return found


def _correlation(cells: Cells, correlation: Correlation, one: Measured, other: Measured) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        total = (one.err_lower + one.err_upper) * (other.err_lower + other.err_upper) / 4
        if correlation.constant is not None:
            rho = np.where(np.isnan(total), np.nan, correlation.constant)
        elif correlation.covariance is not None:
            rho = _numbers(cells, correlation.covariance) * one.scale * other.scale / total
        else:
            assert correlation.column is not None
            rho = _numbers(cells, correlation.column) * one.quoted * other.quoted / total
        return np.where(np.abs(rho) < 1, rho, np.nan)
