"""Names of stars: Gaia source ids that code a HEALPix pixel, 2MASS designations that code a position."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.science.arrays import Floats, Integers

Names = npt.NDArray[np.bytes_]

SLOTS = 100_000_000
RA_CELLS = 8_640_000
DEC_CELLS = 6_480_000
_RA_BLOCK, _DEC_BLOCK = 10_000, 20_000
_STRIDE = 61_803_399
_SERIALS = 1 << 28
_DR3_STRIDE, _DR2_STRIDE = 88_172_645, 156_833_093
_DR2_START = 40_503_301


def spread(number: Integers, ra_deg: Floats, dec_deg: Floats, within: Floats) -> tuple[Floats, Floats]:
    """Move field stars, by less than 0.6 degrees, to positions whose 2MASS designations are all different.

    A designation names a cell of 0.01 s in RA and 0.1" in Dec. Each star number below `SLOTS` owns one cell in every
    block of 10,000 x 20,000 cells (even ones in RA; odd ones belong to clusters), so that no two stars share a cell.

    Args:
        number: (n,) star numbers below `SLOTS`.
        ra_deg: (n,) right ascension.
        dec_deg: (n,) declination.
        within: (n, 2) in [0, 1): place inside the cell.
    """
    slot = (number * _STRIDE) % SLOTS
    ra_block = np.floor(ra_deg / 360.0 * RA_CELLS / _RA_BLOCK).astype(np.int64) % (RA_CELLS // _RA_BLOCK)
    dec_block = np.floor((dec_deg + 90.0) / 180.0 * DEC_CELLS / _DEC_BLOCK).astype(np.int64)
    dec_block = np.clip(dec_block, 0, DEC_CELLS // _DEC_BLOCK - 1)
    ra_cell = ra_block * _RA_BLOCK + 2 * (slot % (_RA_BLOCK // 2))
    dec_cell = dec_block * _DEC_BLOCK + slot // (_RA_BLOCK // 2)
    return _inside(ra_cell, dec_cell, within)


def settle(ra_deg: Floats, dec_deg: Floats, within: Floats) -> tuple[Floats, Floats]:
    """Move cluster stars, by less than 2", to cells odd in RA that no other star of the set has; see `spread`."""
    ra_cell = np.floor(ra_deg / 360.0 * RA_CELLS).astype(np.int64) // 2 * 2 + 1
    dec_cell = np.clip(np.floor((dec_deg + 90.0) / 180.0 * DEC_CELLS).astype(np.int64), 0, DEC_CELLS - 1)
    while True:
        _, first = np.unique(ra_cell * DEC_CELLS + dec_cell, return_index=True)
        second = np.ones(len(ra_cell), dtype=np.bool_)
        second[first] = False
        if not second.any():
            return _inside(ra_cell % RA_CELLS, dec_cell, within)
        ra_cell[second] += 2


def _inside(ra_cell: Integers, dec_cell: Integers, within: Floats) -> tuple[Floats, Floats]:
    """Positions in the middle four fifths of their cells: rounding cannot carry them over the edge."""
    place = 0.1 + 0.8 * within
    return (ra_cell + place[:, 0]) * (360.0 / RA_CELLS), (dec_cell + place[:, 1]) * (180.0 / DEC_CELLS) - 90.0


def designation(ra_deg: Floats, dec_deg: Floats) -> Names:
    """Return 2MASS designations (n,) of 16 characters, cut off like the real ones: HHMMSSss+DDMMSSs.

    >>> designation(np.array([132.8463125]), np.array([11.8236]))
    array([b'08512311+1149249'], dtype='|S16')
    """
    hundredths = np.floor(ra_deg / 360.0 * RA_CELLS).astype(np.int64) % RA_CELLS
    tenths = np.floor(np.abs(dec_deg) * 36_000.0).astype(np.int64)
    text = np.empty((len(ra_deg), 16), dtype=np.uint8)
    for start, value in zip((0, 2, 4, 6), _sexagesimal(hundredths, 100), strict=True):
        text[:, start : start + 2] = digits(value, 2)
    text[:, 8] = np.where(dec_deg < 0.0, ord("-"), ord("+"))
    for start, width, value in zip((9, 11, 13, 15), (2, 2, 2, 1), _sexagesimal(tenths, 10), strict=True):
        text[:, start : start + width] = digits(value, width)
    return as_names(text)


def _sexagesimal(value: Integers, parts: int) -> tuple[Integers, Integers, Integers, Integers]:
    seconds = value // parts
    return seconds // 3600, seconds // 60 % 60, seconds % 60, value % parts


def digits(value: Integers, width: int) -> npt.NDArray[np.uint8]:
    """Return the ASCII decimal digits (n, width) of numbers (n,), with leading zeros."""
    powers = 10 ** np.arange(width - 1, -1, -1)
    return (value[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def as_names(text: npt.NDArray[np.uint8]) -> Names:
    """Return (n, width) characters as n strings."""
    width = text.shape[1]
    return np.ascontiguousarray(text).view(f"S{width}").reshape(-1)


def joined(*parts: Names | bytes, length: int) -> Names:
    """Return the parts written one after another, each a fixed text or (n,) texts that fill their width."""
    columns = []
    for part in parts:
        if isinstance(part, bytes):
            columns.append(np.broadcast_to(np.frombuffer(part, dtype=np.uint8), (length, len(part))))
        else:
            columns.append(part.view(np.uint8).reshape(length, part.dtype.itemsize))
    return as_names(np.concatenate(columns, axis=1))


def gaia_dr3(number: Integers, ra_deg: Floats, dec_deg: Floats) -> Integers:
    """Return Gaia DR3 source ids (n,): HEALPix level 12 pixel times 2^35, then a number of our own times 2^7.

    The serial, 28 bits for the real data centre and running number, is a scrambled star number: ids are unique.
    """
    return _source_id(ra_deg, dec_deg, number * _DR3_STRIDE % _SERIALS)


def gaia_dr2(number: Integers, ra_deg: Floats, dec_deg: Floats) -> Integers:
    """Return Gaia DR2 source ids (n,): like the DR3 ids, and never equal to the DR3 id of the same star.

    Serials of star k in the two releases agree where 68,660,448 k + 40,503,301 is divisible by 2^28: never, for the
    first term is even and the second odd.
    """
    return _source_id(ra_deg, dec_deg, (number * _DR2_STRIDE + _DR2_START) % _SERIALS)


def _source_id(ra_deg: Floats, dec_deg: Floats, serial: Integers) -> Integers:
    return (healpix_nested(12, ra_deg, dec_deg) << 35) | (serial << 7)


def healpix_nested(order: int, ra_deg: Floats, dec_deg: Floats) -> Integers:
    """Return the nested HEALPix pixel (n,) of positions in degrees (Gorski et al. 2005).

    >>> int(healpix_nested(12, np.array([132.84630271]), np.array([11.82363064]))[0]) == 604917732434325248 >> 35
    True
    """
    side = 1 << order
    z, turn = np.sin(np.radians(dec_deg)), (ra_deg % 360.0) / 90.0
    face, x, y = _equatorial_pixel(side, z, turn)
    polar = np.abs(z) > 2.0 / 3.0
    if polar.any():
        face[polar], x[polar], y[polar] = _polar_pixel(side, dec_deg[polar], turn[polar])
    return face * side * side + _interleave(x) + 2 * _interleave(y)


def _equatorial_pixel(side: int, z: Floats, turn: Floats) -> tuple[Integers, Integers, Integers]:
    up = np.floor(side * (0.5 + turn - 0.75 * z)).astype(np.int64)
    down = np.floor(side * (0.5 + turn + 0.75 * z)).astype(np.int64)
    high, low = up // side, down // side
    face = np.where(high == low, (high & 3) | 4, np.where(high < low, high & 3, (low & 3) + 8))
    return face, down % side, side - 1 - up % side


def _polar_pixel(side: int, dec_deg: Floats, turn: Floats) -> tuple[Integers, Integers, Integers]:
    quarter = np.minimum(turn.astype(np.int64), 3)
    phase = turn - quarter
    cap = side * np.sqrt(6.0) * np.sin(np.radians(90.0 - np.abs(dec_deg)) / 2.0)
    right = np.minimum((phase * cap).astype(np.int64), side - 1)
    left = np.minimum(((1.0 - phase) * cap).astype(np.int64), side - 1)
    north = dec_deg > 0.0
    face = np.where(north, quarter, quarter + 8)
    return face, np.where(north, side - 1 - left, right), np.where(north, side - 1 - right, left)


def _interleave(value: Integers) -> Integers:
    """Put a zero bit above each of the lowest 16 bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | (value << shift)) & mask
    return value
