"""How far apart two sources are at one epoch, as far as their proper motions are known.

Numba caches callers with a copy of these functions inside: whoever changes one here touches the callers' files too.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from app.science.sphere import ARCSEC_PER_RADIAN, MAS_PER_RADIAN


@numba.njit(cache=True, nogil=True)
def separations(first: Any, second: Any, ra: Any, dec: Any, epoch: Any, pm_ra: Any, pm_dec: Any) -> Any:
    """Return the separations (m,) in arcsec of rows `first` (m,) and `second` (m,); see `separation`."""
    result = np.empty(len(first), np.float64)
    for k in range(len(first)):
        result[k] = separation(first[k], second[k], ra, dec, epoch, pm_ra, pm_dec)
    return result


@numba.njit(cache=True, nogil=True)
def separation(i: Any, j: Any, ra: Any, dec: Any, epoch: Any, pm_ra: Any, pm_dec: Any) -> Any:
    """Return the separation of rows i and j in arcsec at a common epoch.

    Where one proper motion (mas/yr) is known, that source moves to the epoch (Julian year) of the other; where both
    are, both move to the middle; where none is, the sources stay where they are.
    """
    i_moves, j_moves = moves(pm_ra[i], pm_dec[i]), moves(pm_ra[j], pm_dec[j])
    if i_moves and j_moves:
        common = (epoch[i] + epoch[j]) / 2.0
    elif i_moves:
        common = epoch[j]
    else:
        common = epoch[i]
    one = _direction(ra[i], dec[i], pm_ra[i], pm_dec[i], common - epoch[i] if i_moves else 0.0)
    other = _direction(ra[j], dec[j], pm_ra[j], pm_dec[j], common - epoch[j] if j_moves else 0.0)
    return _angle(one, other)


@numba.njit(cache=True, nogil=True)
def separations_from_stars(star: Any, ra: Any, dec: Any, epoch: Any, stars: Any) -> Any:
    """Return the separation (n,) in arcsec of rows from their stars, each star moved to the row's epoch.

    Args:
        star: (n,) number of each row's star.
        ra: (n,) right ascension in degrees.
        dec: (n,) declination in degrees.
        epoch: (n,) Julian year.
        stars: five arrays (m,): ra, dec, epoch, and proper motion in ra (times cos(dec)) and dec, NaN where unknown.
    """
    star_ra, star_dec, star_epoch, pm_ra, pm_dec = stars
    result = np.empty(len(star), np.float64)
    for i in range(len(star)):
        s = star[i]
        years = epoch[i] - star_epoch[s] if moves(pm_ra[s], pm_dec[s]) else 0.0
        place = _direction(star_ra[s], star_dec[s], pm_ra[s], pm_dec[s], years)
        result[i] = _angle(place, _direction(ra[i], dec[i], 0.0, 0.0, 0.0))
    return result


@numba.njit(cache=True, nogil=True)
def _angle(one: Any, other: Any) -> Any:
    """Return the angle between unit vectors in arcsec."""
    chord = np.sqrt((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2)
    return 2.0 * ARCSEC_PER_RADIAN * np.arcsin(min(1.0, chord / 2.0))


@numba.njit(cache=True, nogil=True)
def moves(pm_ra: Any, pm_dec: Any) -> Any:
    """Say whether a proper motion is known."""
    return np.isfinite(pm_ra) and np.isfinite(pm_dec)


@numba.njit(cache=True, nogil=True)
def _direction(ra: Any, dec: Any, pm_ra: Any, pm_dec: Any, years: Any) -> Any:
    """Return the unit vector of a position after some years; `years` = 0 leaves proper motion aside."""
    a, d = np.radians(ra), np.radians(dec)
    x, y, z = np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)
    if years == 0.0:
        return x, y, z
    east, north = pm_ra * years / MAS_PER_RADIAN, pm_dec * years / MAS_PER_RADIAN
    x_new = x - np.sin(a) * east - np.sin(d) * np.cos(a) * north
    y_new = y + np.cos(a) * east - np.sin(d) * np.sin(a) * north
    z_new = z + np.cos(d) * north
    length = np.sqrt(x_new**2 + y_new**2 + z_new**2)
    return x_new / length, y_new / length, z_new / length
