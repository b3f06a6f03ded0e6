"""The stars just outside of each tile, without which a cross-match piece by piece misses neighbours across edges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from app.storage.hats_tiles import INDEX_ORDER, Tile

MARGIN_ARCSEC = 10.0
"""How far outside of a tile all stars are in its margin; LSDB's own usual margin."""
MARGIN_ORDER = 12
"""Of the pixels that line a tile on the outside: 51" wide on average, and everywhere wider than the margin."""

Integers = NDArray[np.int64]


class Margin:
    """Which tiles have a star in their margin, though it is not in them.

    Args:
        tiles: of orders below `MARGIN_ORDER`.
    """

    def __init__(self, tiles: Sequence[Tile]) -> None:
        from cdshealpix.nested import external_neighbours  # noqa: PLC0415 - takes a second, and only HATS needs it

        cells, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        numbered = sorted(enumerate(tiles), key=lambda one: one[1].order)
        for order, group in groupby(numbered, key=lambda one: one[1].order):
            numbers, pixels = zip(*((number, tile.pixel) for number, tile in group), strict=True)
            edges, corners = external_neighbours(np.array(pixels, np.uint64), order, MARGIN_ORDER - order, 1)
            lining = np.hstack([edges.astype(np.int64), corners.astype(np.int64)])
            cells.append(lining.ravel())
            owners.append(np.repeat(np.array(numbers, np.int64), lining.shape[1]))
        cell, owner = np.concatenate(cells), np.concatenate(owners)
        there = cell >= 0  # some pixels have fewer corners
        pairs = np.unique(np.column_stack([cell[there], owner[there]]), axis=0)
        self._cell, self._owner = pairs[:, 0].copy(), pairs[:, 1].copy()

    def of(self, pixels: Integers) -> tuple[Integers, Integers]:
        """Return the stars (by place among the arguments) and tiles (by number) of all memberships, by tile.

        Args:
            pixels: (n,) of the stars' positions, of order 29.
        """
        cell = pixels >> 2 * (INDEX_ORDER - MARGIN_ORDER)
        first = np.searchsorted(self._cell, cell, side="left")
        count = np.searchsorted(self._cell, cell, side="right") - first
        star = np.repeat(np.arange(len(pixels)), count)
        within = np.arange(len(star)) - np.repeat(np.cumsum(count) - count, count)
        tile = self._owner[first[star] + within]
        order = np.argsort(tile, kind="stable")
        return star[order], tile[order]
