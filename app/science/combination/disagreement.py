"""How well the measurements of a star agree: chi2 of generalized least squares, its p-value, and a flag.

Only independent errors tell measurements apart. Where all were calibrated on one reference, its error moves them
together and chi2 with total errors would fall below its degrees of freedom. With d_i the independent variance of
measurement i and u_s what the spectra of one survey share, the residuals r = value - combined give

    chi2 = sum_i r_i^2 / d_i - sum_s u_s (sum_{i in s} r_i / d_i)^2 / (1 + u_s sum_{i in s} 1 / d_i)

(Sherman-Morrison), distributed with n - 1 degrees of freedom. d_i is that of the side on which the combined value lies.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from scipy import special

from app.science.arrays import Booleans, Floats, Integers

DISAGREEMENT = 1e-3
"""Below this p-value the measurements of a star are said to disagree."""


def generalized_chi2(
    value: Floats,
    centre: Floats,
    weight: Floats,
    minus: Floats,
    plus: Floats,
    shared: Floats,
    survey: Integers,
    starts: Integers,
) -> Floats:
    """Return chi2 of each star, (g,), NaN where nothing was combined.

    Args:
        value: measurements, (m,).
        centre: combined value of each star, (g,).
        weight: share of each measurement, 0 where it did not enter, (m,).
        minus: independent variance downwards, (m,).
        plus: the same upwards, (m,).
        shared: variance that the survey's spectra of the star share, (m,).
        survey: place of the survey, (m,).
        starts: where each star begins, and the end, (g + 1,).

    >>> one = np.ones(2)
    >>> generalized_chi2(np.array([0.0, 2.0]), one[:1], 0.5 * one, one, one, 0 * one, np.array([0, 1]),
    ...                  np.array([0, 2])).tolist()
    [2.0]
    """
    return np.asarray(_chi2(value, centre, weight, minus, plus, shared, survey, starts))


def p_values(chi2: Floats, n: Integers) -> Floats:
    """Return the chance of a larger chi2 with n - 1 degrees of freedom, NaN for one measurement or none, (g,).

    >>> p_values(np.array([3.841459, 0.0]), np.array([2, 1])).round(3).tolist()
    [0.05, nan]
    """
    with np.errstate(invalid="ignore"):
        return np.where(n > 1, special.chdtrc(np.maximum(n - 1, 1), chi2), np.nan)


def disagree(p_value: Floats) -> Booleans:
    """Say of each star whether its measurements disagree, (g,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray(p_value < DISAGREEMENT)


def flatness(p_value: Floats, *, bins: int = 10) -> Floats:
    """Return the share of p-values in equal bins of 0 to 1, each times the number of bins: 1 where errors are honest.

    A first bin above 1 means outliers or errors too small, a last one above 1 errors too large.

    >>> flatness(np.array([0.05, 0.55, np.nan]), bins=2).tolist()
    [1.0, 1.0]
    """
    known = p_value[np.isfinite(p_value)]
    counts, _ = np.histogram(known, bins=bins, range=(0.0, 1.0))
    return np.asarray(counts * bins / max(len(known), 1), dtype=np.float64)


@numba.njit(cache=True, nogil=True)
def _chi2(value: Any, centre: Any, weight: Any, minus: Any, plus: Any, shared: Any, survey: Any, starts: Any) -> Any:
    result = np.full(len(starts) - 1, np.nan)
    for group in range(len(starts) - 1):
        first, last = starts[group], starts[group + 1]
        total = 0.0
        entered = False
        for i in range(first, last):
            if weight[i] <= 0.0:
                continue
            entered = True
            pull, precision, leads = 0.0, 0.0, True
            for j in range(first, last):
                if weight[j] <= 0.0 or survey[j] != survey[i]:
                    continue
                leads = leads and j >= i
                residual = value[j] - centre[group]
                variance = plus[j] if residual <= 0.0 else minus[j]
                pull += residual / variance
                precision += 1.0 / variance
                if j == i:
                    total += residual * residual / variance
            if leads:  # once a survey, at its first spectrum
                total -= shared[i] * pull * pull / (1.0 + shared[i] * precision)
        if entered:
            result[group] = max(total, 0.0)
    return result
