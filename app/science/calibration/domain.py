"""Where a model may be believed: the distance to the training stars in the space of its features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from app.science.arrays import Booleans, Floats

NEIGHBOURS = 20
INSIDE_FRACTION = 0.99
FORGIVEN = 0.25
MOST_POINTS = 5000


@dataclass(frozen=True)
class Domain:
    """Training stars in standardized features, and how far from them a star may lie.

    No conformal method repairs extrapolation, so distance is judged by itself: the distance to the 20th nearest
    training star (fewer where there are few), against the 99 % quantile of that distance among held-out stars.

    Attributes:
        points: standardized features of training stars, (m, k).
        centre: what is subtracted from features before the comparison, (k,).
        width: what they are then divided by, (k,).
        limit: the largest distance that counts as inside.
    """

    points: Floats
    centre: Floats
    width: Floats
    limit: float

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def distance(self, features: Floats) -> Floats:
        """Return the distance (n,) of features (n, k) to the 20th nearest training star; NaN counts as typical."""
        standardized = (np.where(np.isnan(features), self.centre, features) - self.centre) / self.width
        rank = min(NEIGHBOURS, len(self.points))
        distance, _ = self._tree.query(standardized, k=[rank])
        return np.asarray(distance, dtype=np.float64)[:, 0]

    def contains(self, features: Floats, error: Floats | None = None) -> Booleans:
        """Return whether each row of features (n, k) lies inside.

        Args:
            features: of the stars, (n, k).
            error: of the first of them, (n, q): noise alone carries a star at the edge outside, so a quarter of its
                error is forgiven.
        """
        distance = self.distance(features)
        if error is None:
            return np.asarray(distance <= self.limit)
        blur = np.sqrt(np.square(error / self.width[: error.shape[1]]).mean(axis=1))
        return np.asarray(distance <= self.limit + FORGIVEN * blur)


def learn_domain(training: Floats, held_out: Floats, *, rng: np.random.Generator) -> Domain:
    """Learn the domain from features of training stars (m, k) and of stars held out for the limit (h, k)."""
    centre, spread = np.nanmedian(training, axis=0), np.nanstd(training, axis=0)
    width = np.where(spread > 0, spread, 1.0)
    filled = (np.where(np.isnan(training), centre, training) - centre) / width
    if len(filled) > MOST_POINTS:
        filled = filled[rng.choice(len(filled), MOST_POINTS, replace=False)]
    unlimited = Domain(filled, centre, width, np.inf)
    judged = held_out if len(held_out) >= NEIGHBOURS else training
    return Domain(filled, centre, width, float(np.quantile(unlimited.distance(judged), INSIDE_FRACTION)))
