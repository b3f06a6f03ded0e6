"""How far a row's influence reaches: what a cross-match makes of a row depends on the rows of its neighbourhood alone.

`resolve` looks from row to row along identifiers, along places that rows of one survey share, and along pairs of
sources within a match radius at a common epoch. Whatever it decides (a belief in an identifier, a mutual nearest, a
rival, a crowd), it decides within rows that such steps connect. Rows that no chain of steps connects can be resolved
apart, in the same order, to the same stars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from app.science.arrays import Floats, Integers
from app.science.crossmatch.by_id import runs_of, unite_runs
from app.science.crossmatch.by_position import MOST_NEIGHBOURS
from app.science.crossmatch.forest import roots, singles, unite
from app.science.crossmatch.observations import Observations
from app.science.crossmatch.pairs import pairs_among

SLACK_ARCSEC = 0.01
"""More than rounding errors, and than the pixels along which rows are ordered."""

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


@dataclass(frozen=True)
class Neighbourhoods:
    """`home` (n,) is the first row of each row's neighbourhood; `fastest` (n,) the largest motion of its source."""

    home: Integers
    fastest_arcsec_per_year: Floats


def neighbourhoods(rows: Observations, radius_arcsec: Floats, star: Integers) -> Neighbourhoods:
    """Find the neighbourhood of each row: no row influences one of another.

    Neighbourhoods may be larger than need be, never smaller: sources are not known yet, so a row takes the largest
    radius and proper motion of all rows that could be of its source, and every identifier is taken for true.

    Args:
        rows: n rows in any order.
        radius_arcsec: (n,) match radius of each row's survey.
        star: (n,) the star that a row belonged to, 0 for none; its rows stay together.

    Raises:
        CrowdError: rows have more than `MOST_NEIGHBOURS` neighbours on average (and a million in all).
    """
    parent = singles(len(rows))
    for key in (rows.gaia_dr3, rows.object_key, rows.gaia_dr2, rows.tmass_key, _place(rows)):
        _unite(parent, key)
    group = roots(parent)
    pm = np.hypot(rows.pm_ra_cosdec_masyr, rows.pm_dec_masyr) / 1000.0
    fastest = _largest(np.where(np.isfinite(pm), pm, 0.0), group)
    first, second = _near(rows, _largest(radius_arcsec, group), fastest)
    _unite_pairs(parent, first, second)
    _unite(parent, star)
    return Neighbourhoods(roots(parent), fastest)


def _unite(parent: Integers, key: Integers) -> None:
    members, start = runs_of(key)
    unite_runs(parent, members, start, np.ones(len(start) - 1, np.bool_))


def _place(rows: Observations) -> Integers:
    """Return a number (n,) that rows of one survey, place and epoch share, and others but by accident."""
    mixed = rows.survey.astype(np.uint64) + np.uint64(1)
    for values, odd in zip((rows.ra, rows.dec, rows.epoch_jyear), _ODD, strict=True):
        mixed = (mixed ^ (values + 0.0).view(np.uint64)) * np.uint64(odd)
        mixed ^= mixed >> np.uint64(29)
    return mixed.view(np.int64)


def _near(rows: Observations, radius: Floats, fastest: Floats) -> tuple[Integers, Integers]:
    """Return pairs of rows whose sources may be within the larger of their match radii at a common epoch."""
    epoch = rows.epoch_jyear
    if len(epoch) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    years = np.maximum(epoch.max() - epoch, epoch - epoch.min())
    reach = np.where(fastest > 0.0, radius.max() + fastest * years, radius) + SLACK_ARCSEC
    near = pairs_among(rows.ra, rows.dec, reach, most=MOST_NEIGHBOURS * len(rows) + 1_000_000)
    i, j = near.left, near.right
    drift = np.maximum(fastest[i], fastest[j]) * np.abs(epoch[i] - epoch[j])
    close = near.separation_arcsec <= np.maximum(radius[i], radius[j]) + drift + SLACK_ARCSEC
    return i[close], j[close]


def _largest(values: Floats, group: Integers) -> Floats:
    largest = np.zeros(len(values))
    np.maximum.at(largest, group, values)
    return largest[group]


@numba.njit(cache=True, nogil=True)
def _unite_pairs(parent: Any, first: Any, second: Any) -> None:
    for k in range(len(first)):
        unite(parent, first[k], second[k])
