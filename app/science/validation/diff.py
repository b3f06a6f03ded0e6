"""What changed between two versions: how far stars moved, overall, by survey, by region of the sky and by kind of star.

Changes are counted in bins that are 1 % wide (0.01 K, 0.00001 dex near zero), so that any number of stars is summarized
in the memory of a few tables; quantiles are interpolated in them. A change is judged against the errors of the star,
sqrt((s_1^2 + s_2^2) / 2): both versions rest on the same measurements, so their errors do not add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.science.arrays import Floats, Integers

QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
UNIT = np.array([1.0, 1e-3, 1e-3])
STEP = 0.01
REACH = 1300
"""Bins on each side of zero: beyond 200,000 K and 200 dex."""

RA_EDGES = np.array([0.0, 90.0, 180.0, 270.0, 360.0])
DEC_EDGES = np.array([-90.0, -60.0, -30.0, 0.0, 30.0, 60.0, 90.0])
VALUE_EDGES: tuple[tuple[float, ...], ...] = (
    (4000.0, 4500.0, 5000.0, 5500.0, 6000.0, 6500.0, 7500.0),
    (1.0, 2.0, 3.0, 4.0),
    (-2.0, -1.5, -1.0, -0.5, 0.0),
)
"""Inner edges of bins of Teff, log g, [Fe/H] in the first version."""


@dataclass(frozen=True)
class Moves:
    """Stars of both versions: Teff (K), log g, [Fe/H] in each, NaN where there is none, and how far apart in errors.

    Attributes:
        before: in the first version, (n, 3).
        after: in the second version, (n, 3).
        pull: size of the change in units of the errors, (n, 3).
    """

    before: Floats
    after: Floats
    pull: Floats


@dataclass(frozen=True)
class Spread:
    """Second minus first version in one parameter, for one group of stars.

    Attributes:
        n: stars with a value in both.
        beyond: how many of them moved by more than the limit.
        quantiles: of the change at 2.5, 16, 50, 84, 97.5 %, NaN for no star.
    """

    n: int
    beyond: int
    quantiles: tuple[float, ...]


class Tally:
    """Counts of changes in groups of stars, block by block.

    Args:
        groups: how many groups there are.
        sigma: limit beyond which a star is counted as moved, in units of the errors.

    >>> tally = Tally(1, sigma=3.0)
    >>> before = np.zeros((101, 3))
    >>> tally.add(Moves(before, before + np.arange(101.0)[:, None], before + 4.0), np.zeros(101, dtype=int))
    >>> tally.spread(0, 0).n, round(tally.spread(0, 0).quantiles[2]), tally.spread(0, 0).beyond
    (101, 50, 101)
    """

    def __init__(self, groups: int, *, sigma: float) -> None:
        self.sigma = sigma
        self._counts = np.zeros((3, groups, 2 * REACH + 1), dtype=np.int64)
        self._beyond = np.zeros((3, groups), dtype=np.int64)

    def add(self, moves: Moves, group: Integers) -> None:
        """Count stars (n,) in their group; a negative group is none."""
        groups, bins = self._counts.shape[1:]
        for p in range(3):
            change = moves.after[:, p] - moves.before[:, p]
            counted = np.isfinite(change) & (group >= 0)
            place = group[counted] * bins + _bin_of(change[counted], UNIT[p])
            self._counts[p] += np.bincount(place, minlength=groups * bins).reshape(groups, bins)
            far = counted & (moves.pull[:, p] > self.sigma)
            self._beyond[p] += np.bincount(group[far], minlength=groups)

    def spread(self, p: int, group: int) -> Spread:
        """Return what was counted in a parameter and group."""
        counts = self._counts[p, group]
        n = int(counts.sum())
        return Spread(n, int(self._beyond[p, group]), _quantiles(counts, n, UNIT[p]))


def regions_of(ra: Floats, dec: Floats) -> Integers:
    """Return the region of each star (n,): quarters of right ascension in bands of declination, from the south.

    >>> regions_of(np.array([10.0, 350.0]), np.array([-80.0, 89.0])).tolist()
    [0, 23]
    """
    quarter = np.clip(np.searchsorted(RA_EDGES, ra, side="right") - 1, 0, len(RA_EDGES) - 2)
    band = np.clip(np.searchsorted(DEC_EDGES, dec, side="right") - 1, 0, len(DEC_EDGES) - 2)
    return np.asarray(band * (len(RA_EDGES) - 1) + quarter, dtype=np.int64)


def region_edges() -> list[tuple[float, float, float, float]]:
    """Return lowest and highest right ascension and declination of every region, in degrees."""
    return [
        (float(RA_EDGES[q]), float(RA_EDGES[q + 1]), float(DEC_EDGES[b]), float(DEC_EDGES[b + 1]))
        for b in range(len(DEC_EDGES) - 1)
        for q in range(len(RA_EDGES) - 1)
    ]


def kinds_of(value: Floats, p: int) -> Integers:
    """Return the bin of values (n,) of a parameter, -1 where there is none.

    >>> kinds_of(np.array([3900.0, 4000.0, 9000.0, np.nan]), 0).tolist()
    [0, 1, 7, -1]
    """
    return np.where(np.isfinite(value), np.searchsorted(VALUE_EDGES[p], value, side="right"), -1)


def kind_edges(p: int) -> list[tuple[float | None, float | None]]:
    """Return lowest and highest value of every bin of a parameter, None where it is open."""
    edges: Sequence[float | None] = (None, *VALUE_EDGES[p], None)
    return list(pairwise(edges))


def _bin_of(change: Floats, unit: float) -> Integers:
    place = np.rint(np.arcsinh(change / unit) / STEP)
    return np.asarray(np.clip(place, -REACH, REACH) + REACH, dtype=np.int64)


def _quantiles(counts: Integers, n: int, unit: float) -> tuple[float, ...]:
    if n == 0:
        return (float("nan"),) * len(QUANTILES)
    filled = np.flatnonzero(counts)
    reached = np.cumsum(counts[filled])
    below = reached - counts[filled]
    wanted = np.clip(np.array(QUANTILES) * n, 0.5, n - 0.5)
    place = np.searchsorted(reached, wanted, side="left")
    inside = (wanted - below[place]) / counts[filled][place] - 0.5
    # Stars that have not moved at all fill the bin at zero, where there is nothing to interpolate.
    offset = np.where(filled[place] == REACH, 0.0, inside) + filled[place] - REACH
    return tuple(float(value) for value in unit * np.sinh(offset * STEP))
