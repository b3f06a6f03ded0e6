"""What a star is said to be: position, proper motion and magnitudes, each from the best row that knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.crossmatch.motion import separations_from_stars
from app.science.crossmatch.observations import Observations
from app.science.crossmatch.resolve import Stars, first_known, motion_known, source_quality


@dataclass(frozen=True)
class Attributes:
    """m stars: position at `epoch_jyear`, proper motion and magnitudes (NaN where no row knows them).

    `tmass_row` (m,) is the row that tells the 2MASS designation, -1 where none does, `object_row` (m,) the row whose
    object comes first by survey and place; `separation_arcsec` (n,) is how far each row lies from its star.
    """

    ra: Floats
    dec: Floats
    epoch_jyear: Floats
    pm_ra_cosdec_masyr: Floats
    pm_dec_masyr: Floats
    magnitudes: dict[str, Floats]
    tmass_row: Integers
    object_row: Integers
    separation_arcsec: Floats


def describe(rows: Observations, radius_arcsec: Floats, stars: Stars, magnitudes: Mapping[str, Floats]) -> Attributes:
    """Return the attributes of stars that `resolve` found.

    The best row that has a value gives it: at a Gaia epoch, then with proper motion, then of the survey with the
    smallest match radius, so that Gaia's own photometry comes first.

    Args:
        rows: n rows in canonical order.
        radius_arcsec: match radius of each survey.
        stars: m stars of these rows.
        magnitudes: (n,) by band, NaN where unknown.
    """
    quality = source_quality(rows, np.asarray(radius_arcsec, np.float64)[rows.survey])
    moving = _best(stars, quality, motion_known(rows))
    place = rows.ra[stars.best_row], rows.dec[stars.best_row], rows.epoch_jyear[stars.best_row]
    pm_ra, pm_dec = _taken(rows.pm_ra_cosdec_masyr, moving), _taken(rows.pm_dec_masyr, moving)
    every = np.ones(len(rows), np.bool_)
    return Attributes(
        *place,
        pm_ra,
        pm_dec,
        {band: _taken(values, _best(stars, quality, np.isfinite(values))) for band, values in magnitudes.items()},
        _best(stars, quality, rows.tmass_key != 0),
        _best(stars, rows.survey.astype(np.float64), every),
        separations_from_stars(stars.star, rows.ra, rows.dec, rows.epoch_jyear, (*place, pm_ra, pm_dec)),
    )


def _best(stars: Stars, quality: Floats, known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Integers:
    return first_known(stars.star, quality, known, len(stars))


def _taken(values: Floats, row: Integers) -> Floats:
    if len(values) == 0:
        return np.full(len(row), np.nan)
    return np.where(row >= 0, values[row], np.nan)
