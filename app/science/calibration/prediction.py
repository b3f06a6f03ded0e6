"""From the star to what a survey would report of it: x = t + b(t, S/N, magnitude), and how far that scatters.

The inversion read forwards, on the same tabulated bias: what is predicted here is solved back to the star that it came
from. The interval is that of a report, not of the correction: it holds what the survey says of 68 % of such stars. Its
half widths are those of the survey's error (the model's band, or the typical error where the survey's values are the
scale), of the star's own error carried through I + db/dt, and of the zero point, added in quadrature.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from app.science.arrays import Floats
from app.science.calibration.features import stack
from app.science.calibration.inversion import SHORTEST_REACH, TOLERANCE, _interpolate, _spread, _wide_slopes
from app.science.calibration.survey_model import Calibrated, SurveyModel, nothing_calibrated


def predict(model: SurveyModel, stars: Calibrated, nuisance: Floats) -> Calibrated:
    """Return what a survey would report of stars, with the 68 % interval of such reports.

    Args:
        model: of the survey; forward, or one that leaves the values alone.
        stars: parameters on the reference scale with their errors, zero where they are known exactly, (n,).
        nuisance: the survey's nuisance features of the spectra, missing ones are typical, (n, k).

    Raises:
        ValueError: the model is direct: it does not say what the survey reports.
    """
    if not model.forward:
        raise ValueError("a direct model says what a star is given a report, not what is reported of a star")
    if model.identity.all():
        minus, plus = (np.hypot(half, model.own_error) for half in (stars.minus, stars.plus))
        return Calibrated(stars.value, minus, plus, stars.rho, stars.in_domain, stars.converged)
    result = nothing_calibrated(len(stars.value))
    whole = np.asarray(np.isfinite(stars.value).all(axis=1))
    result.put(whole, _predicted(model, stars, nuisance, whole))
    return result


def _predicted(model: SurveyModel, stars: Calibrated, nuisance: Floats, rows: Any) -> Calibrated:
    value, minus, plus = (np.ascontiguousarray(part[rows]) for part in (stars.value, stars.minus, stars.plus))
    grid = model.grid
    predicted, lower, upper = _predict(
        (grid.axes, grid.sizes, grid.values),
        (grid.axes, grid.sizes, np.ascontiguousarray(grid.values[:, 1::3])),
        value,
        np.ascontiguousarray(model.padded(nuisance[rows])),
        minus,
        plus,
        np.nan_to_num(stars.rho[rows]),
        np.where(model.identity, model.own_error, np.nan),
        model.zero_point_error,
        TOLERANCE,
    )
    inside = model.domain.contains(stack(value, nuisance[rows]), 0.5 * (minus + plus))
    unknown = np.full_like(predicted, np.nan)
    return Calibrated(predicted, lower, upper, unknown, inside & stars.in_domain[rows], stars.converged[rows])


@numba.njit(cache=True, nogil=True)
def _predict(
    grid: Any,
    median: Any,
    value: Any,
    nuisance: Any,
    minus: Any,
    plus: Any,
    rho: Any,
    own_error: Any,
    zero_point_error: Any,
    tolerance: Any,
) -> tuple[Any, Any, Any]:
    n = value.shape[0]
    predicted, lower, upper = np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3))
    scratch = (np.empty(32, np.int64), np.empty(32), np.empty(32, np.int64), np.empty(5), np.empty(5))
    at, bias, reach, slope, correlation = np.empty(5), np.empty(9), np.empty(3), np.empty((3, 3)), np.eye(3)
    for star in range(n):
        at[:3] = value[star]
        at[3:] = nuisance[star]
        _interpolate(grid, at, scratch, bias)
        pair = 0
        for p in range(3):
            reach[p] = max(0.5 * (minus[star, p] + plus[star, p]), SHORTEST_REACH * tolerance[p])
            for q in range(p + 1, 3):
                correlation[p, q] = correlation[q, p] = rho[star, pair]
                pair += 1
        _wide_slopes(median, at, reach, scratch, slope)
        for p in range(3):
            below, above = bias[3 * p + 1] - bias[3 * p], bias[3 * p + 2] - bias[3 * p + 1]
            if not np.isnan(own_error[p]):
                below = above = own_error[p]
            # Reports move with the star where the inversion moves the star against the report: the sides change places.
            down = _spread(slope, correlation, plus[star], minus[star], p, False)
            up = _spread(slope, correlation, plus[star], minus[star], p, True)
            predicted[star, p] = value[star, p] + bias[3 * p + 1]
            lower[star, p] = np.sqrt(below**2 + down**2 + zero_point_error[p] ** 2)
            upper[star, p] = np.sqrt(above**2 + up**2 + zero_point_error[p] ** 2)
    return predicted, lower, upper
