"""GALAH DR3: the main catalogue of stars."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Integers
from app.science.mock.identifiers import designation
from app.science.mock.observations import Observations, State
from app.science.mock.selection import MOST_VISITS
from app.science.mock.sky import Stars
from app.science.mock.tables.columns import (
    Column,
    Table,
    Values,
    dates,
    measured,
    measured_position,
    or_missing,
    parallax,
    pick,
)

_BAD = (0, 1, 2, 3, 4, 5, 8, 9, 10, 12, 13)
_NO_RESULT = 1 << 14
_FIBRES, _RUNS = 392, 600


def sobject_id(number: Integers, visit: Integers) -> Integers:
    """Return identifiers yymmddrrrr01fff (n,): night, run, combination and fibre, one for each star and visit.

    >>> sobject_id(np.array([0, 3_000_000]), np.array([1, 0])).tolist()
    [131116000101002, 140226002501193]
    """
    spectrum = number * MOST_VISITS + visit
    plate, fibre = spectrum // _FIBRES, spectrum % _FIBRES + 1
    night, run = plate // _RUNS, plate % _RUNS + 1
    identifier: Integers = ((dates("2013-11-16", night) % 1_000_000 * 10_000 + run) * 100 + 1) * 1_000 + fibre
    return identifier


def fill(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `MAIN` for one block."""
    stars = sky.take(seen.star)
    n = len(stars)
    ra, dec = measured_position(rng, stars, 2015.5, 5e-5)
    doubtful, lost = seen.state == State.DOUBTFUL, seen.state == State.LOST
    teff, logg, feh = seen.values.T
    poor_iron = ~lost & (rng.random(n) < 0.02)
    feh = np.where(poor_iron, np.where(rng.random(n) < 0.5, np.nan, feh + 0.4), feh)
    distance, distance_error = parallax(rng, stars)
    noise = np.exp(0.1 * rng.standard_normal((n, 3)))
    return {
        "star_id": designation(stars.ra_deg, stars.dec_deg),
        "sobject_id": sobject_id(stars.number, seen.visit),
        "dr2_source_id": or_missing(rng, stars.gaia_dr2, 0.01, 0),
        "dr3_source_id": or_missing(rng, stars.gaia_dr3, 0.03, 0),
        "survey_name": np.where(stars.cluster >= 0, b"other", b"galah_main").astype("S17"),
        "flag_repeat": (seen.visit > 0).astype(np.int64),
        "flag_sp": pick(rng, doubtful, _BAD) | np.where(lost, _NO_RESULT, 0),
        "teff": teff,
        "e_teff": np.where(lost, np.nan, seen.quoted[:, 0]),
        "logg": logg,
        "e_logg": np.where(lost, np.nan, seen.quoted[:, 1]),
        "fe_h": feh,
        "e_fe_h": np.where(np.isnan(feh), np.nan, seen.quoted[:, 2]),
        "flag_fe_h": np.where(lost, 32, np.where(poor_iron, 1, 0)),
        "fe_h_atmo": feh - 0.02,
        "vbroad": 5.0 + 10.0 * (stars.teff > 6300.0) * rng.random(n),
        "chi2_sp": np.where(lost, np.nan, 0.7 + 0.1 * rng.standard_exponential(n)),
        "ra_dr2": ra,
        "dec_dr2": dec,
        "parallax_dr2": distance,
        "parallax_error_dr2": distance_error,
        "rv_galah": measured(rng, stars.radial_velocity_kms, 0.3, 0.01),
        "ebv": stars.extinction_v / 3.1,
        "snr_c1_iraf": 0.65 * seen.snr * noise[:, 0],
        "snr_c2_iraf": 0.85 * seen.snr * noise[:, 1],
        "snr_c3_iraf": seen.snr,
        "snr_c4_iraf": 0.95 * seen.snr * noise[:, 2],
        **{f"{band}_m": measured(rng, getattr(stars, band), 0.02) for band in ("j", "h")},
        "ks_m": measured(rng, stars.k, 0.02),
        "ruwe_dr2": 0.9 + 0.1 * rng.standard_exponential(n) + stars.binary,
    }


MAIN = Table(
    "galah_dr3",
    "GALAH_DR3_main_allstar_v2.fits",
    "fits",
    "sobject_id",
    (
        Column("star_id", "S16", "", "2MASS designation"),
        Column("sobject_id", "i8", "", "GALAH identifier"),
        Column("dr2_source_id", "i8", "", "Gaia DR2 source id, 0 where there is none"),
        Column("dr3_source_id", "i8", "", "Gaia DR3 source id, 0 where there is none"),
        Column("survey_name", "S17", "", "Part of GALAH+ that observed the star"),
        Column("flag_repeat", "i4", "", "1 for a repeat observation"),
        Column("flag_sp", "i4", "", "Stellar parameter quality flag"),
        Column("teff", "f8", "K", "Effective temperature"),
        Column("e_teff", "f8", "K", "Its uncertainty"),
        Column("logg", "f8", "dex", "Surface gravity"),
        Column("e_logg", "f8", "dex", "Its uncertainty"),
        Column("fe_h", "f8", "dex", "[Fe/H] from Fe lines (1D-NLTE)"),
        Column("e_fe_h", "f8", "dex", "Its uncertainty"),
        Column("flag_fe_h", "i4", "", "Quality flag of fe_h"),
        Column("fe_h_atmo", "f8", "dex", "Metallicity of the atmosphere"),
        Column("vbroad", "f8", "km/s", "Broadening velocity"),
        Column("chi2_sp", "f8", "", "Chi square of the parameter fit"),
        Column("ra_dr2", "f8", "deg", "Right ascension of Gaia DR2, epoch 2015.5"),
        Column("dec_dr2", "f8", "deg", "Declination of Gaia DR2, epoch 2015.5"),
        Column("parallax_dr2", "f8", "mas", "Parallax"),
        Column("parallax_error_dr2", "f8", "mas", "Its error"),
        Column("rv_galah", "f8", "km/s", "Radial velocity"),
        Column("ebv", "f8", "mag", "Reddening E(B-V)"),
        Column("snr_c1_iraf", "f8", "", "S/N per pixel of CCD 1"),
        Column("snr_c2_iraf", "f8", "", "S/N per pixel of CCD 2"),
        Column("snr_c3_iraf", "f8", "", "S/N per pixel of CCD 3"),
        Column("snr_c4_iraf", "f8", "", "S/N per pixel of CCD 4"),
        Column("j_m", "f4", "mag", "2MASS J"),
        Column("h_m", "f4", "mag", "2MASS H"),
        Column("ks_m", "f4", "mag", "2MASS Ks"),
        Column("ruwe_dr2", "f8", "", "Renormalised unit weight error"),
    ),
    fill,
)
