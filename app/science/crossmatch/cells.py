"""Cells of one arcminute on the sky, numbered by band of declination and then along right ascension.

The database has an index of the same numbers (`ix_measurement_cell`): what lies around a position is in a few ranges.
"""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats, Integers

PER_DEGREE = 60
_PER_BAND = 360 * PER_DEGREE
_POLE = 89.9999
_SLACK = 1e-9


def cell(ra: Floats, dec: Floats) -> Integers:
    """Return the number (n,) of the cell that each position lies in.

    >>> cell(np.array([0.0, 359.999]), np.array([-90.0, 0.0])).tolist()
    [0, 116661599]
    """
    band = np.floor((dec + 90.0) * PER_DEGREE).astype(np.int64)
    return band * _PER_BAND + np.floor(ra * PER_DEGREE).astype(np.int64)


def ranges_around(ra: Floats, dec: Floats, reach_arcsec: Floats) -> tuple[Integers, Integers]:
    """Return the first and last numbers (r,) of ranges that hold every cell which one of some circles touches.

    Ranges are in order and do not overlap. Around a pole they are whole bands.

    Args:
        ra: (n,) right ascension, 0 <= ra < 360 degrees.
        dec: (n,) declination in degrees.
        reach_arcsec: (n,) radius around each position; below 180 degrees.
    """
    reach = np.minimum(reach_arcsec / 3600.0, 179.0) + _SLACK
    lowest = np.floor((np.maximum(dec - reach, -90.0) + 90.0) * PER_DEGREE).astype(np.int64)
    highest = np.floor((np.minimum(dec + reach, 90.0) + 90.0) * PER_DEGREE).astype(np.int64)
    polar = np.abs(dec) + reach >= _POLE
    along = np.sin(np.radians(np.minimum(reach, 90.0))) / np.cos(np.radians(np.where(polar, 0.0, dec)))
    half = np.where(polar, 360.0, np.degrees(np.arcsin(np.minimum(along, 1.0))) + _SLACK)
    who = np.repeat(np.arange(len(ra)), highest - lowest + 1)
    step = np.arange(len(who)) - np.repeat(
        np.cumsum(highest - lowest + 1) - (highest - lowest + 1), highest - lowest + 1
    )
    band = (lowest[who] + step) * _PER_BAND
    first = np.floor((ra - half) * PER_DEGREE).astype(np.int64)[who]
    last = np.floor((ra + half) * PER_DEGREE).astype(np.int64)[who]
    parts = [(first + turn, last + turn) for turn in (-_PER_BAND, 0, _PER_BAND)]
    low = np.concatenate([band + np.maximum(one, 0) for one, _ in parts])
    high = np.concatenate([band + np.minimum(other, _PER_BAND - 1) for _, other in parts])
    return _merged(low[low <= high], high[low <= high])


def _merged(low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """Return ranges in order, those that overlap or touch as one."""
    if len(low) == 0:
        return low, high
    order = np.argsort(low)
    low, high = low[order], np.maximum.accumulate(high[order])
    starts = np.concatenate([[True], low[1:] > high[:-1] + 1])
    ends = np.concatenate([starts[1:], [True]])
    return low[starts], high[ends]
