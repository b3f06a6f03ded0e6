"""Whether a table repeats what a survey reports: values that agree to their digits are the same measurement."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Booleans, Floats, Integers

DIGITS = np.array([0.51, 0.0051, 0.0051])
"""Teff (K), log g, [Fe/H]: what rounding may change. Two surveys with errors of 50 K, 0.1 and 0.05 agree so closely in
all three once in ten thousand stars."""


def repeated(star: Integers, value: Floats, survey_star: Integers, survey_value: Floats) -> tuple[Booleans, Booleans]:
    """Return which rows (n,) are of a star of a survey, and which of them repeat one of its measurements.

    Args:
        star: star number of each row, (n,).
        value: Teff (K), log g, [Fe/H] of each row, (n, 3).
        survey_star: star number of each measurement of the survey, rising, (m,).
        survey_value: its values as reported, (m, 3).

    >>> rows = repeated(np.array([1, 2]), np.array([[5000, 3.0, 0], [5100, 3.1, 0]]), np.array([1, 1, 2]),
    ...                 np.array([[4000, 2.0, 0], [5000, 3.0, 0.001], [5000, 3.1, 0]]))
    >>> [part.tolist() for part in rows]
    [[True, True], [True, False]]
    """
    first = np.searchsorted(survey_star, star, side="left")
    count = np.searchsorted(survey_star, star, side="right") - first
    same = np.zeros(len(star), dtype=bool)
    for k in range(int(count.max(initial=0))):
        there = np.flatnonzero(count > k)
        apart = np.abs(value[there] - survey_value[first[there] + k])
        same[there] |= (apart <= DIGITS).all(axis=1)
    return np.asarray(count > 0), same
