"""The slab of parameter space where intervals cover worst, judged on stars that did not choose it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.robust import scatter

MOST_STARS = 6000
DIRECTIONS = 200
KNOTS = 40


@dataclass(frozen=True)
class Slab:
    """The worst slab.

    Attributes:
        direction: unit vector in the standardized features, (d,).
        lowest: where the slab begins along it.
        highest: where it ends.
        found: coverage among the stars that chose it: the least of many, too low even with perfect intervals.
        n: stars of the other half inside it.
        covered: their coverage, without that bias.
        error: its binomial standard error.
    """

    direction: list[float]
    lowest: float
    highest: float
    found: float
    n: int
    covered: float
    error: float


def worst_slab(features: Floats, inside: Booleans, *, rng: np.random.Generator, share: float = 0.2) -> Slab:
    """Return the slab {lowest <= v . z <= highest} with the least coverage that holds at least `share` of the stars.

    Cauchois, Gupta & Duchi (2021, JMLR 22, 81) with the split of Romano, Sesia & Candes (2020, NeurIPS): one half of
    the stars chooses among random directions v and ends on quantiles of the projection, the other half is judged.
    MAPIE has the search behind a further dependency and without the split.

    Args:
        features: (n, d), standardized here by median and scatter.
        inside: which intervals hold, (n,).
        rng: for halves and directions.
        share: least share of the stars in a slab.

    >>> rng = np.random.default_rng(2)
    >>> z = rng.normal(size=(4000, 2))
    >>> slab = worst_slab(z, rng.random(4000) < np.where(z[:, 0] > 1, 0.4, 0.68), rng=rng)
    >>> slab.covered < 0.58
    True
    """
    spread = np.array([scatter(column) or 1.0 for column in features.T])
    z = (features - np.median(features, axis=0)) / np.where(spread > 0, spread, 1.0)
    order = rng.permutation(len(z))[:MOST_STARS]
    chooses, judges = order[: len(order) // 2], order[len(order) // 2 :]
    directions = rng.normal(size=(DIRECTIONS, z.shape[1]))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    found, best, begin, end = _search(z[chooses] @ directions.T, inside[chooses], share)
    along = np.sort(z[chooses] @ directions[best])
    lowest, highest = along[begin], along[min(end, len(along) - 1)]
    projected = z[judges] @ directions[best]
    held = inside[judges][(projected >= lowest) & (projected <= highest)]
    covered = float(held.mean()) if len(held) else float("nan")
    error = float(np.sqrt(covered * (1 - covered) / len(held))) if len(held) else float("nan")
    return Slab(directions[best].tolist(), float(lowest), float(highest), found, len(held), covered, error)


def _search(projected: Floats, inside: Booleans, share: float) -> tuple[float, int, int, int]:
    """Return the least coverage between two knots of any direction: it, the direction, and the knots' places."""
    n = len(projected)
    knots = np.linspace(0, n, KNOTS + 1).astype(np.int64)
    sums = np.cumsum(inside[np.argsort(projected, axis=0)], axis=0)
    at_knots = np.vstack([np.zeros((1, projected.shape[1])), sums[knots[1:] - 1]])
    count = knots[None, :] - knots[:, None]
    wide = count >= share * n
    covered = (at_knots[None, :, :] - at_knots[:, None, :]) / np.where(wide, count, 1)[:, :, None]
    covered[~wide] = np.inf
    i, j, direction = np.unravel_index(int(np.argmin(covered)), covered.shape)
    return float(covered[i, j, direction]), int(direction), int(knots[i]), int(knots[j])
