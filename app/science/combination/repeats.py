"""Repeat spectra of a star by one survey: how many independent values are they worth?

What is wrong with a survey's view of a star (its model atmospheres, its line list, what calibration leaves) is wrong in
every spectrum of it. If the errors of two spectra correlate by r, n of them are worth n / (1 + (n - 1) r), and they
differ among themselves by less than their errors say:

    Var(t_1 - t_2) = (1 - r) F^2 (s_1^2 + s_2^2).

F, true over stated error, comes from the comparison with other surveys (`extra_scatter.py`): scatter between repeats
against scatter to others. A factor above 1 is an extra scatter already, which repeats share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.combination.extra_scatter import DENSITY_AT_ONE, INSIDE

FEWEST_STARS = 10


@dataclass(frozen=True)
class RepeatCorrelation:
    """Correlation of the errors of two spectra of a star by one survey.

    Attributes:
        stars: how many stars have two spectra.
        correlation: r, drawn towards 0 as 1 - s^2 / r^2, s being the error that independent repeats would leave.
        error: standard error of the estimate.
        ratio: variance between repeats over the stated one.
    """

    stars: int
    correlation: float
    error: float
    ratio: float


UNKNOWN = RepeatCorrelation(0, 0.0, float("nan"), float("nan"))
"""What is said of a survey with too few repeats: they count as independent."""


def first_two(star: Integers, usable: Booleans) -> tuple[Integers, Integers]:
    """Return the rows of the first two usable spectra of each star that has two; stars next to each other, (n,).

    >>> [rows.tolist() for rows in first_two(np.array([1, 1, 1, 2, 3, 3]), np.array([0, 1, 1, 1, 1, 1], dtype=bool))]
    [[1, 4], [2, 5]]
    """
    rows = np.flatnonzero(usable)
    same = star[rows[1:]] == star[rows[:-1]]
    begins = same & ~np.concatenate([[False], same[:-1]])
    return rows[:-1][begins], rows[1:][begins]


def repeat_correlation(difference: Floats, variance: Floats, *, factor: float = 1.0) -> RepeatCorrelation:
    """Return the correlation from the differences of two spectra a star.

    Args:
        difference: t_1 - t_2 of each star, (n,).
        variance: s_1^2 + s_2^2 as stated, (n,).
        factor: true over stated error as other surveys see it; above 1, or unknown, it counts as 1.

    >>> rng = np.random.default_rng(1)
    >>> found = repeat_correlation(rng.normal(scale=np.sqrt(2 * 0.4), size=20_000), np.full(20_000, 2.0))
    >>> abs(found.correlation - 0.6) < 0.03
    True
    """
    known = np.isfinite(difference) & np.isfinite(variance) & (variance > 0)
    stars = int(known.sum())
    if stars < FEWEST_STARS:
        return UNKNOWN
    ratio = float(np.quantile(np.square(difference[known]) / variance[known], INSIDE))
    whole = min(factor, 1.0) ** 2 if np.isfinite(factor) and factor > 0 else 1.0
    by_chance = float(np.sqrt(INSIDE * (1 - INSIDE) / stars)) / DENSITY_AT_ONE
    raw = max(1.0 - ratio / whole, 0.0)
    drawn = raw * (1.0 - (by_chance / raw) ** 2) if raw > by_chance else 0.0
    return RepeatCorrelation(stars, drawn, by_chance * ratio / whole, ratio)
