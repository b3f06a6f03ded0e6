"""Tiles of the sky that hold about as many stars each: HEALPix pixels (nested, ICRS), small where stars are dense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

INDEX_ORDER = 29
SMALLEST_TILE = 9
FACES = 12
_PER_FOLDER = 10_000


@dataclass(frozen=True)
class Tile:
    """A pixel of an order, and how many stars are in it."""

    order: int
    pixel: int
    rows: int

    @property
    def first(self) -> int:
        """Its first pixel of order 29."""
        return self.pixel << 2 * (INDEX_ORDER - self.order)

    @property
    def path(self) -> str:
        """Where a HATS folder has its rows, below `dataset/`."""
        folder = self.pixel // _PER_FOLDER * _PER_FOLDER
        return f"Norder={self.order}/Dir={folder}/Npix={self.pixel}.parquet"

    @property
    def sky_fraction(self) -> float:
        """The part of the sphere that it takes."""
        return 1 / (FACES << 2 * self.order)


class Counts:
    """Stars in each pixel of the order of the smallest tiles."""

    def __init__(self) -> None:
        self._counts = np.zeros(FACES << 2 * SMALLEST_TILE, np.int32)

    def add(self, pixels: NDArray[np.int64]) -> Self:
        """Count stars, by their pixels of order 29."""
        np.add.at(self._counts, pixels >> 2 * (INDEX_ORDER - SMALLEST_TILE), 1)
        return self

    def tiles(self, most: int) -> list[Tile]:
        """Return the largest pixels with no more than `most` stars that hold all stars, in the order of the index.

        A pixel of the smallest order stays whole, however many are in it; one without stars is no tile.

        >>> [tile.path for tile in Counts().add(np.array([0, 1 << 56, 2 << 58])).tiles(1)]
        ['Norder=1/Dir=0/Npix=0.parquet', 'Norder=1/Dir=0/Npix=1.parquet', 'Norder=0/Dir=0/Npix=2.parquet']
        """
        found: list[Tile] = []
        candidates = np.arange(FACES)
        for order in range(SMALLEST_TILE + 1):
            rows = self._counts.reshape(FACES << 2 * order, -1).sum(axis=1, dtype=np.int64)[candidates]
            small = (rows <= most) | (order == SMALLEST_TILE)
            kept = zip(candidates[small].tolist(), rows[small].tolist(), strict=True)
            found += [Tile(order, pixel, n) for pixel, n in kept if n]
            candidates = (4 * candidates[~small, None] + np.arange(4)).ravel()
        return sorted(found, key=lambda tile: tile.first)


def index_pixels(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pixels (n,) of order 29 of positions in degrees."""
    from astropy import units  # noqa: PLC0415 - these take seconds, and only HATS folders need them
    from astropy.coordinates import Latitude, Longitude  # noqa: PLC0415 - as above
    from cdshealpix.nested import lonlat_to_healpix  # noqa: PLC0415 - as above

    degrees: Any = units.deg
    pixels = lonlat_to_healpix(Longitude(ra, degrees), Latitude(dec, degrees), INDEX_ORDER, num_threads=1)
    return np.asarray(pixels).astype(np.int64)
