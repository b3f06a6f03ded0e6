"""Correlation of a star's combined Teff, log g and [Fe/H], from that of the measurements behind them.

With weights w, errors s and correlations rho of the measurements, and r the correlation of a survey's repeats,

    Cov_pq = sum_i w_ip w_iq rho_i s_ip s_iq + sum_{i != j of one survey} sqrt(r_p r_q) w_ip w_jq rho s_ip s_jq,
    rho_pq = Cov_pq / (s_p s_q),

s_p being the error of the combined value. Nothing is known of how zero points of two parameters correlate: they count
as independent of one another.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from app.science.arrays import Floats, Integers

PAIRS = ((0, 1), (0, 2), (1, 2))
"""Order of pairs of parameters: Teff with log g, Teff with [Fe/H], log g with [Fe/H]."""


def combined_correlation(
    weight: Floats,
    error: Floats,
    rho: Floats,
    survey: Integers,
    starts: Integers,
    repeat_correlation: Floats,
    combined_error: Floats,
) -> Floats:
    """Return the correlations of each star's parameters, (g, 3), NaN where that of a contribution is unknown.

    Args:
        weight: share of each measurement in each parameter, 0 where it did not enter, (m, 3).
        error: symmetric error of each measurement, (m, 3).
        rho: correlation of each measurement's errors, pairs in the order of `PAIRS`, NaN where unknown, (m, 3).
        survey: place of the measurement's survey, (m,).
        starts: where each star begins, and the end, (g + 1,).
        repeat_correlation: of two spectra of a star by the same survey, (3, S).
        combined_error: symmetric error of the combined values, (g, 3).

    >>> combined_correlation(np.ones((1, 3)), np.ones((1, 3)), np.array([[0.5, 0.2, np.nan]]), np.array([0]),
    ...                      np.array([0, 1]), np.zeros((3, 1)), np.ones((1, 3))).tolist()
    [[0.5, 0.2, nan]]
    """
    columns = []
    for place, (p, q) in enumerate(PAIRS):
        together = np.sqrt(np.clip(np.nan_to_num(repeat_correlation[p] * repeat_correlation[q]), 0.0, 1.0))
        left, right = weight[:, p] * error[:, p], weight[:, q] * error[:, q]
        entering = (weight[:, p] > 0) & (weight[:, q] > 0)
        covariance = _covariance(left, right, entering, np.ascontiguousarray(rho[:, place]), survey, starts, together)
        columns.append(covariance / (combined_error[:, p] * combined_error[:, q]))
    return np.asarray(np.clip(np.column_stack(columns), -1.0, 1.0))


@numba.njit(cache=True, nogil=True)
def _covariance(left: Any, right: Any, entering: Any, rho: Any, survey: Any, starts: Any, together: Any) -> Any:
    result = np.zeros(len(starts) - 1)
    for group in range(len(result)):
        for i in range(starts[group], starts[group + 1]):
            if not entering[i]:
                continue
            result[group] += rho[i] * left[i] * right[i]
            r = together[survey[i]]
            if r == 0.0:
                continue
            for j in range(starts[group], starts[group + 1]):
                if j != i and entering[j] and survey[j] == survey[i]:
                    result[group] += r * 0.5 * (rho[i] + rho[j]) * left[i] * right[j]
    return result
