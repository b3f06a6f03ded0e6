"""The sphere: separations, proper motion, and an order of the sky in which neighbours stay close."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from app.science.arrays import Floats, Integers

ARCSEC_PER_RADIAN = 3600.0 * 180.0 / np.pi
MAS_PER_RADIAN = 1000.0 * ARCSEC_PER_RADIAN
FINEST_ORDER = 29

_FIVE_MASKS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def separation_arcsec(
    ra_1: npt.ArrayLike, dec_1: npt.ArrayLike, ra_2: npt.ArrayLike, dec_2: npt.ArrayLike
) -> Floats | np.float64:
    """Return the angular separation of positions in degrees, in arcsec; exact for small and large separations alike.

    The haversine formula (Sinnott 1984, Sky and Telescope 68, 158); arguments broadcast against each other.

    >>> float(separation_arcsec(359.9995, 0.0, 0.0005, 0.0).round(6))
    3.6
    """
    ra_1, dec_1, ra_2, dec_2 = (np.radians(angle) for angle in (ra_1, dec_1, ra_2, dec_2))
    squared = np.sin((dec_2 - dec_1) / 2) ** 2 + np.cos(dec_1) * np.cos(dec_2) * np.sin((ra_2 - ra_1) / 2) ** 2
    separation: Floats | np.float64 = 2.0 * ARCSEC_PER_RADIAN * np.arcsin(np.sqrt(np.minimum(squared, 1.0)))
    return separation


def moved(
    ra: Floats, dec: Floats, pm_ra_cosdec_masyr: npt.ArrayLike, pm_dec_masyr: npt.ArrayLike, years: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return positions after so many years of proper motion, in degrees; right at the poles and across RA 0.

    The direction moves along its tangent, `u + (east * pm_ra + north * pm_dec) * years`, and is normalized (Gaia DR3
    documentation 4.1.7, without radial velocity). An unknown (NaN) proper motion counts as none.

    Args:
        ra: (n,) right ascension in degrees.
        dec: (n,) declination in degrees.
        pm_ra_cosdec_masyr: (n,) proper motion in right ascension, times cos(dec).
        pm_dec_masyr: (n,) proper motion in declination.
        years: (n,) or one number, negative for the past.

    >>> ra, dec = moved(np.array([10.0]), np.array([60.0]), 1000.0, -500.0, 16.0)
    >>> (ra.round(6).item(), dec.round(6).item())
    (10.008888, 59.997777)
    """
    years = np.asarray(years, np.float64) / MAS_PER_RADIAN
    east = np.nan_to_num(np.asarray(pm_ra_cosdec_masyr, np.float64)) * years
    north = np.nan_to_num(np.asarray(pm_dec_masyr, np.float64)) * years
    sine, cosine = np.sin(np.radians(dec)), np.cos(np.radians(dec))
    outward = cosine - north * sine
    turned = np.degrees(np.arctan2(east, outward))
    new_dec = np.degrees(np.arctan2(sine + north * cosine, np.hypot(outward, east)))
    new_ra = np.mod(ra + turned, 360.0)
    return np.where(new_ra == 360.0, 0.0, new_ra), new_dec


def healpix_nested(ra: Floats, dec: Floats, order: int = FINEST_ORDER) -> Integers:
    """Return the nested HEALPix pixel (n,) of positions in degrees (Gorski et al. 2005, ApJ 622, 759).

    At the finest order (pixels of 0.4 mas) it sorts the sky so that neighbours stay close; a Gaia source id shifted
    right by 35 bits is the pixel of order 12.

    >>> int(healpix_nested(np.array([132.84630271]), np.array([11.82363064]), 12)[0]) == 604917732434325248 >> 35
    True
    """
    return _pixels(np.asarray(ra, np.float64), np.asarray(dec, np.float64), order)  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True)
def _pixels(ra: Any, dec: Any, order: int) -> Any:
    pixels = np.empty(len(ra), np.int64)
    for i in range(len(ra)):
        quarter = (ra[i] % 360.0) / 90.0
        sine, cosine = np.sin(np.radians(dec[i])), np.cos(np.radians(dec[i]))
        if abs(sine) <= 2.0 / 3.0:
            face, x, y = _equatorial(quarter, sine, order)
        else:
            face, x, y = _polar(quarter, sine, cosine, order)
        pixels[i] = (face << (2 * order)) + _spread(x) + (_spread(y) << 1)
    return pixels


@numba.njit(cache=True, nogil=True)
def _equatorial(quarter: Any, sine: Any, order: int) -> Any:
    side = 1 << order
    falling = np.int64(np.floor(side * (0.5 + quarter - 0.75 * sine)))
    rising = np.int64(np.floor(side * (0.5 + quarter + 0.75 * sine)))
    across, along = falling >> order, rising >> order
    if across == along:
        face = across | 4
    elif across < along:
        face = across
    else:
        face = along + 8
    return face, rising & (side - 1), side - 1 - (falling & (side - 1))


@numba.njit(cache=True, nogil=True)
def _polar(quarter: Any, sine: Any, cosine: Any, order: int) -> Any:
    side = 1 << order
    face: Any = min(3, np.int64(quarter))
    within = quarter - face
    reach = side * cosine / np.sqrt((1.0 + abs(sine)) / 3.0)
    left: Any = min(side - 1, np.int64(within * reach))
    right: Any = min(side - 1, np.int64((1.0 - within) * reach))
    if sine >= 0.0:
        return face, side - 1 - right, side - 1 - left
    return face + 8, left, right


@numba.njit(cache=True, nogil=True)
def _spread(value: Any) -> Any:
    """Move bit k of a number to bit 2k."""
    for shift, mask in _FIVE_MASKS:
        value = (value | (value << shift)) & mask
    return value
