"""The reference scale as it grows: per star the inverse-variance mean of every value that is on it already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import scatter


@dataclass
class ReferenceScale:
    """Sums over the contributions to each star, in Teff, log g and [Fe/H].

    Attributes:
        stars: the star numbers that can take contributions, rising, (s,).
        weight: sum of inverse variances, (s, 3).
        moment: sum of inverse variance times value, (s, 3).
    """

    stars: Integers
    weight: Floats
    moment: Floats

    @classmethod
    def of(cls, stars: Integers) -> ReferenceScale:
        """Return an empty scale for these stars."""
        unique = np.unique(stars)
        return cls(unique, np.zeros((len(unique), 3)), np.zeros((len(unique), 3)))

    def add(self, star: Integers, value: Floats, error: Floats, used: Booleans) -> None:
        """Add values (n, 3) with standard errors (n, 3) of stars (n,), where `used` (n, 3) and everything is finite."""
        place = np.searchsorted(self.stars, star)
        for p in range(3):
            good = used[:, p] & np.isfinite(value[:, p]) & np.isfinite(error[:, p]) & (error[:, p] > 0)
            weight = 1.0 / np.square(error[good, p])
            np.add.at(self.weight[:, p], place[good], weight)
            np.add.at(self.moment[:, p], place[good], weight * value[good, p])

    def at(self, star: Integers) -> tuple[Floats, Floats]:
        """Return value and standard error (n, 3) of stars (n,), NaN where the scale knows nothing.

        >>> scale = ReferenceScale.of(np.array([5]))
        >>> scale.add(np.array([5]), np.ones((1, 3)), np.full((1, 3), 0.5), np.ones((1, 3), dtype=bool))
        >>> [part.tolist() for part in scale.at(np.array([5]))]
        [[[1.0, 1.0, 1.0]], [[0.5, 0.5, 0.5]]]
        """
        place = np.searchsorted(self.stars, star)
        known = self.weight[place] > 0
        weight = np.where(known, self.weight[place], np.nan)
        return self.moment[place] / weight, 1.0 / np.sqrt(weight)


def missing_error(difference: Floats, other_error: Floats, *, smallest: float) -> float:
    """Return the standard error of a survey that quotes none, from its difference (n,) to values of known error (n,).

    The scatter of the difference, less the other side's share; never below `smallest`, which also serves where
    fewer than ten stars are in common.
    """
    good = np.isfinite(difference) & np.isfinite(other_error)
    if good.sum() < 10:
        return smallest
    variance = scatter(difference[good]) ** 2 - float(np.median(other_error[good])) ** 2
    return max(smallest, float(np.sqrt(max(variance, 0.0))))
