"""Survey rows to stars: by identifiers, then by position; the same stars whatever the order of rows and surveys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.by_id import join_by_ids
from app.science.crossmatch.by_position import Sources, join_by_position
from app.science.crossmatch.forest import common_value
from app.science.crossmatch.observations import MOST_SURVEYS, Observations

ALONE, BY_ID, BY_POSITION = 0, 1, 2
GAIA_EPOCHS_FROM = 2015.0


@dataclass(frozen=True)
class Stars:
    """Which star each of n rows belongs to, and what each of m stars takes from which row.

    Attributes:
        star: (n,) number of the star from 0, in sky order.
        how: (n,) `ALONE`, `BY_ID` or `BY_POSITION`.
        ambiguous: (n,) whether an identifier was not believed, or another star lies within the match radius.
        best_row: (m,) the row with the best position: at a Gaia epoch, then with proper motion, then of the survey with
            the smallest match radius.
        gaia_dr3: (m,) source id, 0 for none; no two stars have the same.
        n_rows: (m,) rows of the star.
        n_surveys: (m,) surveys that saw it.
    """

    star: Integers
    how: npt.NDArray[np.int8]
    ambiguous: Booleans
    best_row: Integers
    gaia_dr3: Integers
    n_rows: Integers
    n_surveys: Integers

    def __len__(self) -> int:
        return len(self.best_row)


def resolve(rows: Observations, radius_arcsec: Floats) -> Stars:
    """Find the stars that n rows in canonical order (see `canonical_order`) belong to.

    Args:
        rows: what the surveys say.
        radius_arcsec: match radius of each survey, by its number.

    Raises:
        ValueError: there are more surveys than `MOST_SURVEYS`.
        CrowdError: far too many rows lie at one place.
    """
    if len(radius_arcsec) > MOST_SURVEYS:
        raise ValueError(f"at most {MOST_SURVEYS} surveys can be matched at once, got {len(radius_arcsec)}")
    radius = np.asarray(radius_arcsec, np.float64)[rows.survey]
    joined = join_by_ids(rows, radius)
    quality = source_quality(rows, radius)
    first, source = np.unique(joined.source, return_inverse=True)
    placed = join_by_position(_sources(rows, radius, quality, first, source))
    star, best_row = _in_sky_order(placed.root[source], quality)
    ambiguous = joined.doubtful | placed.crowded[source]
    gaia_dr3, repeated = _one_star_each(star, rows.gaia_dr3, len(best_row))
    n_rows = np.bincount(star, minlength=len(best_row))
    seen = _surveys_seen(star, rows.survey, len(best_row))
    alone, by_id = n_rows[star] == 1, np.bincount(joined.root, minlength=1)[joined.root] > 1
    how = np.where(alone, ALONE, np.where(by_id, BY_ID, BY_POSITION)).astype(np.int8)
    return Stars(star, how, ambiguous | repeated, best_row, gaia_dr3, n_rows, np.bitwise_count(seen).astype(np.int64))


def source_quality(rows: Observations, radius_arcsec: Floats) -> Floats:
    """Return a number (n,), smaller for a better position: Gaia epoch, then proper motion, then match radius."""
    at_gaia = rows.epoch_jyear >= GAIA_EPOCHS_FROM
    return np.where(at_gaia, 0.0, 2e6) + np.where(motion_known(rows), 0.0, 1e6) + radius_arcsec


def motion_known(rows: Observations) -> Booleans:
    """Say which rows (n,) have a proper motion."""
    return np.isfinite(rows.pm_ra_cosdec_masyr) & np.isfinite(rows.pm_dec_masyr)


def first_known(star: Integers, quality: Floats, known: Booleans, n_stars: int) -> Integers:
    """Return for each star its best row (m,) among those `known` (n,), -1 where there is none; ties by row number."""
    return _first_known(star, quality, known, n_stars)  # type: ignore[no-any-return]


def _sources(rows: Observations, radius: Floats, quality: Floats, first: Integers, source: Integers) -> Sources:
    best = first_known(source, quality, np.ones(len(rows), np.bool_), len(first))
    moving = first_known(source, quality, motion_known(rows), len(first))
    dr3, dr2, tmass = (_agreed(source, key)[: len(first)] for key in (rows.gaia_dr3, rows.gaia_dr2, rows.tmass_key))
    widest = np.zeros(len(first))
    np.maximum.at(widest, source, radius)
    pm_ra = np.where(moving >= 0, rows.pm_ra_cosdec_masyr[moving], np.nan)
    pm_dec = np.where(moving >= 0, rows.pm_dec_masyr[moving], np.nan)
    seen = _surveys_seen(source, rows.survey, len(first))
    place = rows.ra[best], rows.dec[best], rows.epoch_jyear[best]
    return Sources(seen, dr3, dr2, tmass, *place, pm_ra, pm_dec, widest)


def _agreed(source: Integers, key: Integers) -> Integers:
    """Return the identifier that a source's rows agree on, 0 where they have none or differ, at the source's number."""
    value = common_value(source, key)
    return np.where(value == -1, 0, value)


def _in_sky_order(label: Integers, quality: Floats) -> tuple[Integers, Integers]:
    """Number stars from 0 by the sky order of their best rows; return each row's star and each star's best row."""
    names, star = np.unique(label, return_inverse=True)
    best = first_known(star, quality, np.ones(len(star), np.bool_), len(names))
    order = np.argsort(best)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[star], best[order]


def _one_star_each(star: Integers, gaia_dr3: Integers, n_stars: int) -> tuple[Integers, Booleans]:
    """Return each star's DR3 id (m,), and the rows (n,) whose id was found at more than one place.

    Such an id stays with the star that most of its rows are of, the first of several.
    """
    of_star = common_value(star, gaia_dr3)[:n_stars]
    named = np.flatnonzero(of_star)
    ids, places = np.unique(of_star[named], return_counts=True)
    repeated = np.isin(gaia_dr3, ids[places > 1])
    rows_with_id = np.bincount(star[repeated], minlength=n_stars)
    claims = named[np.isin(of_star[named], ids[places > 1])]
    claims = claims[np.lexsort((claims, -rows_with_id[claims], of_star[claims]))]
    later = np.flatnonzero(np.diff(of_star[claims], prepend=0) == 0)
    of_star[claims[later]] = 0
    return of_star, repeated


@numba.njit(cache=True, nogil=True)
def _first_known(star: Any, quality: Any, known: Any, n_stars: int) -> Any:
    best = np.full(n_stars, -1, np.int64)
    for i in range(len(star)):
        s = star[i]
        if known[i] and (best[s] < 0 or quality[i] < quality[best[s]]):
            best[s] = i
    return best


@numba.njit(cache=True, nogil=True)
def _surveys_seen(star: Any, survey: Any, n_stars: int) -> Any:
    seen = np.zeros(n_stars, np.int64)
    for i in range(len(star)):
        seen[star[i]] |= np.int64(1) << survey[i]
    return seen
