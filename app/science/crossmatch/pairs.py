"""Pairs of positions within a radius, by declination bands sorted in right ascension: millions of rows a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from app.science.arrays import Floats, Integers

ROWS_PER_BAND = 200
_POLE = 89.9999
_SLACK = 1e-9


class CrowdError(ValueError):
    """So many positions lie together that they cannot be the sky's."""

    def __init__(self, ra: float, dec: float) -> None:
        super().__init__(f"too many positions lie together near ra {ra:.5f}, dec {dec:.5f}")
        self.ra, self.dec = ra, dec


@dataclass(frozen=True)
class Pairs:
    """Row numbers on the left and on the right, and how far apart they are; in no particular order."""

    left: Integers
    right: Integers
    separation_arcsec: Floats


_NO_LIMIT = 2**62
_NO_PAIRS = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))


@dataclass(frozen=True)
class _Bands:
    """The right side by band: rows `start[b]` to `start[b + 1]` of band b, in the order of their right ascension."""

    height: float
    start: Integers
    row: Integers
    ra: Floats
    dec: Floats


def pairs_within(
    left_ra: Floats, left_dec: Floats, right_ra: Floats, right_dec: Floats, radius_arcsec: npt.ArrayLike
) -> Pairs:
    """Return every pair of a left and a right position at most a radius apart; poles and RA 0 are no exception.

    Args:
        left_ra: (n,) right ascension, 0 <= ra < 360 degrees.
        left_dec: (n,) declination in degrees.
        right_ra: (m,) the same of the other side.
        right_dec: (m,)
        radius_arcsec: (n,) radius around each left position, or one for all; below 180 degrees.

    >>> pairs = pairs_within(np.array([0.0]), np.array([0.0]), np.array([359.9999, 1.0]), np.array([0.0, 0.0]), 1.0)
    >>> (pairs.right.tolist(), pairs.separation_arcsec.round(3).tolist())
    ([0], [0.36])
    """
    radii = _radii(radius_arcsec, len(left_ra))
    if len(left_ra) == 0 or len(right_ra) == 0:
        return _NO_PAIRS
    bands = _in_bands(right_ra, right_dec, float(radii.max()) / 3600.0)
    found = _search(left_ra, left_dec, radii, -1, bands.height, bands.start, bands.row, bands.ra, bands.dec)
    return Pairs(*found)


def pairs_among(ra: Floats, dec: Floats, radius_arcsec: npt.ArrayLike, *, most: int = _NO_LIMIT) -> Pairs:
    """Return every pair of different rows that lie within the radius of at least one of the two, each once.

    Args:
        ra: (n,) right ascension, 0 <= ra < 360 degrees.
        dec: (n,) declination in degrees.
        radius_arcsec: (n,) radius around each position, or one for all; below 180 degrees.
        most: how many pairs to look for before giving up.

    Raises:
        CrowdError: there are more pairs than that.
    """
    radii = _radii(radius_arcsec, len(ra))
    if len(ra) == 0:
        return _NO_PAIRS
    bands = _in_bands(ra, dec, float(radii.max()) / 3600.0)
    left, right, apart = _search(ra, dec, radii, most, bands.height, bands.start, bands.row, bands.ra, bands.dec)
    if len(left) > most:
        raise CrowdError(float(ra[left[-1]]), float(dec[left[-1]]))
    return Pairs(left, right, apart)


def _radii(radius_arcsec: npt.ArrayLike, n: int) -> Floats:
    return np.full(n, radius_arcsec, np.float64)


def _in_bands(ra: Floats, dec: Floats, widest_deg: float) -> _Bands:
    height = max(2.0 * widest_deg, 180.0 * ROWS_PER_BAND / max(len(ra), ROWS_PER_BAND))
    n_bands = int(180.0 // height) + 1
    band = np.minimum((dec + 90.0) // height, n_bands - 1).astype(np.int64)
    row = np.argsort((band << 42) + (ra * (2.0**42 / 360.0)).astype(np.int64))
    start = np.zeros(n_bands + 1, np.int64)
    np.cumsum(np.bincount(band, minlength=n_bands), out=start[1:])
    return _Bands(height, start, row, ra[row], dec[row])


# `among` is -1 between two sides; on one side, where each pair is wanted once, it is the greatest number of pairs.
@numba.njit(cache=True, nogil=True)
def _search(
    left_ra: Any, left_dec: Any, radii: Any, among: int, height: float, start: Any, row: Any, ra: Any, dec: Any
) -> Any:
    capacity = len(left_ra) + 16
    lefts, rights, separations = np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity)
    count = 0
    for i in range(len(left_ra)):
        radius = radii[i] / 3600.0
        half = _half_width(left_dec[i], radius)
        largest = np.sin(np.radians(radius) / 2.0) ** 2 * (1.0 + _SLACK)
        first, last = _bands_touched(left_dec[i], radius, height, len(start) - 1)
        for band in range(first, last + 1):
            for turn in range(-1, 2):
                low, high = left_ra[i] - half + 360.0 * turn, left_ra[i] + half + 360.0 * turn
                if high < 0.0 or low >= 360.0 or (turn != 0 and half >= 180.0):
                    continue
                for k in range(_first_at(ra, start[band], start[band + 1], low), start[band + 1]):
                    if ra[k] > high:
                        break
                    squared = _haversine(left_ra[i], left_dec[i], ra[k], dec[k])
                    j = row[k]
                    if squared > largest or (among >= 0 and not _counts(i, j, radii[j], squared)):
                        continue
                    if count == capacity:
                        capacity *= 2
                        lefts, rights = _grown(lefts, capacity), _grown(rights, capacity)
                        separations = _grown(separations, capacity)
                    lefts[count], rights[count] = i, j
                    separations[count] = 7200.0 * np.degrees(np.arcsin(np.sqrt(min(1.0, squared))))
                    count += 1
        if 0 <= among < count:
            break
    return lefts[:count], rights[:count], separations[:count]


@numba.njit(cache=True, nogil=True)
def _half_width(dec: Any, radius: Any) -> Any:
    """Return how far a circle reaches in right ascension, 360 where it holds a pole (degrees)."""
    if abs(dec) + radius >= _POLE:
        return 360.0
    return np.degrees(np.arcsin(np.sin(np.radians(radius)) / np.cos(np.radians(dec)))) + _SLACK


@numba.njit(cache=True, nogil=True)
def _bands_touched(dec: Any, radius: Any, height: float, n_bands: int) -> Any:
    first = int(max(0.0, dec - radius - _SLACK + 90.0) // height)
    return first, min(n_bands - 1, int((dec + radius + _SLACK + 90.0) // height))


@numba.njit(cache=True, nogil=True)
def _first_at(values: Any, start: Any, stop: Any, least: Any) -> Any:
    while start < stop:
        middle = (start + stop) >> 1
        if values[middle] < least:
            start = middle + 1
        else:
            stop = middle
    return start


@numba.njit(cache=True, nogil=True)
def _haversine(ra_1: Any, dec_1: Any, ra_2: Any, dec_2: Any) -> Any:
    """Return the squared sine of half the separation of positions in degrees."""
    along = np.sin(np.radians(dec_2 - dec_1) / 2.0)
    across = np.sin(np.radians(ra_2 - ra_1) / 2.0)
    return along * along + np.cos(np.radians(dec_1)) * np.cos(np.radians(dec_2)) * across * across


@numba.njit(cache=True, nogil=True)
def _counts(i: Any, j: Any, other_radius_arcsec: Any, squared: Any) -> Any:
    """Say whether a pair found from i is to be kept: the later row leaves it to the earlier one that sees it too."""
    if i < j:
        return True
    seen_too = squared <= np.sin(np.radians(other_radius_arcsec / 3600.0) / 2.0) ** 2 * (1.0 + _SLACK)
    return i > j and not seen_too


@numba.njit(cache=True, nogil=True)
def _grown(values: Any, capacity: int) -> Any:
    larger = np.empty(capacity, values.dtype)
    larger[: len(values)] = values
    return larger
