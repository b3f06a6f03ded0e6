"""Which star of ours is which object of a reference table: by identifier first, then by an unmistakable position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers


@dataclass(frozen=True)
class Identified:
    """Pairs of an object and a star, and what was left.

    Attributes:
        object_: numbers of reference objects, rising, (k,).
        star: their stars, (k,).
        by_id: how many pairs an identifier made.
        by_position: how many pairs a position made.
        undecided: objects with several stars near, or whose star is near several objects: not taken.
    """

    object_: Integers
    star: Integers
    by_id: int
    by_position: int
    undecided: int


def identify(
    object_: Integers,
    star: Integers,
    by_id: Booleans,
    separation_arcsec: Floats,
    other_id: Booleans,
    *,
    radius_arcsec: float,
) -> Identified:
    """Choose among candidates: identifiers win; a position counts where nothing else is near, on either side.

    A pair whose identifiers differ is never made. Nothing is guessed: where two stars, or two objects, come into
    question by position, none is taken.

    Args:
        object_: reference object of each candidate, (m,).
        star: star of each candidate, (m,).
        by_id: whether an identifier says so, (m,).
        separation_arcsec: how far apart they are, (m,).
        other_id: whether both have an identifier, and they differ, (m,).
        radius_arcsec: how far apart a position may be.

    >>> found = identify(*np.array([[1, 2], [10, 20]]), np.array([True, False]), np.array([0.0, 0.5]),
    ...                  np.zeros(2, bool), radius_arcsec=2.0)
    >>> found.star.tolist(), found.by_id, found.by_position
    ([10, 20], 1, 1)
    """
    sure = _alone(object_, star, by_id)
    free = ~by_id & ~other_id & (separation_arcsec <= radius_arcsec)
    free &= ~np.isin(object_, object_[by_id]) & ~np.isin(star, star[by_id])
    near = _alone(object_, star, free)
    undecided = np.setdiff1d(object_[by_id | free], object_[sure | near])
    chosen = np.flatnonzero(sure | near)
    chosen = chosen[np.argsort(object_[chosen], kind="stable")]
    return Identified(object_[chosen], star[chosen], int(sure.sum()), int(near.sum()), len(undecided))


def _alone(object_: Integers, star: Integers, candidates: Booleans) -> Booleans:
    """Return the candidates whose object and whose star have no other candidate."""
    alone = np.zeros(len(object_), dtype=bool)
    rows = np.flatnonzero(candidates)
    counts = [np.unique(side[rows], return_inverse=True, return_counts=True)[1:] for side in (object_, star)]
    alone[rows] = np.logical_and(*(count[place] == 1 for place, count in counts))
    return alone
