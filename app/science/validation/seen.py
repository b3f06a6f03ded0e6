"""What one survey says of its stars, in all three parameters, before and after calibration: a star counts once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers


@dataclass(frozen=True)
class Seen:
    """One survey's stars, or the combined values of stars; parameters in the order Teff (K), log g, [Fe/H].

    Attributes:
        star: star numbers, rising, (n,).
        raw: what was reported, NaN where the calibrated value is not used, (n, 3).
        value: the calibrated value, NaN where none is used, (n, 3).
        error: symmetric 68 % error of `value`, (n, 3).
        test: whether the star took part in neither training nor conformal step, (n,).
    """

    star: Integers
    raw: Floats
    value: Floats
    error: Floats
    test: Booleans

    def among(self, star: Integers) -> Seen:
        """Return the rows of some stars (k,)."""
        return self.where(np.isin(self.star, star))

    def where(self, chosen: Booleans) -> Seen:
        """Return the rows that are chosen, (n,)."""
        return Seen(self.star[chosen], self.raw[chosen], self.value[chosen], self.error[chosen], self.test[chosen])


def seen(star: Integers, test: Booleans, raw: Floats, value: Floats, error: Floats, used: Booleans) -> Seen:
    """Average the spectra of each star, parameter by parameter: those that are used and finite before and after.

    Args:
        star: star of each spectrum, in any order, (m,).
        test: whether that star is in the test split, (m,).
        raw: reported values, (m, 3).
        value: calibrated values, (m, 3).
        error: symmetric errors, (m, 3); taken as independent between spectra.
        used: which values the product uses, (m, 3).

    >>> one = np.ones((2, 3))
    >>> both = seen(np.array([7, 7]), np.ones(2, bool), one, one, one, one > 0)
    >>> both.star.tolist(), both.error.round(3)[0].tolist()
    ([7], [0.707, 0.707, 0.707])
    """
    unique, first, place = np.unique(star, return_index=True, return_inverse=True)
    good = used & np.isfinite(raw) & np.isfinite(value)
    means = [np.full((len(unique), 3), np.nan) for _ in range(3)]
    for p in range(3):
        row = place[good[:, p]]
        count = np.bincount(row, minlength=len(unique))
        known = count > 0
        for mean, column, power in zip(means, (raw, value, error), (1.0, 1.0, 1.5), strict=True):
            total = np.bincount(row, weights=column[good[:, p], p], minlength=len(unique))
            mean[known, p] = total[known] / count[known] ** power
    return Seen(unique, means[0], means[1], means[2], test[first])
