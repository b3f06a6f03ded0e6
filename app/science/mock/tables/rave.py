"""RAVE DR6: MADERA parameters joined with positions, S/N and the Gaia EDR3 cross-match."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.mock.identifiers import Names, joined
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
    numbered,
    or_missing,
)

_FIBRES, _NIGHTS, _FIELDS = 150, 3_600, 1_500
_STRIDE = 2_750_159


def rave_obs_id(number: Integers, visit: Integers, ra_deg: Floats, dec_deg: Floats) -> Names:
    """Return identifiers date_field_fibre (n,), one for each star and visit, as in 20030411_1507m23_001.

    Night, fibre and the field's minutes and degrees count spectra; hour and sign come from the position.

    >>> rave_obs_id(np.array([5]), np.array([0]), np.array([226.9]), np.array([-23.1]))
    array([b'20030411_1500m00_041'], dtype='|S20')
    """
    n = len(number)
    spectrum = number * MOST_VISITS + visit
    plate = spectrum // _FIBRES * _STRIDE % (_NIGHTS * _FIELDS)
    field = plate // _NIGHTS
    hour_minute = np.floor(ra_deg / 15.0).astype(np.int64) % 24 * 100 + field % 60
    sign = np.where(dec_deg < 0.0, b"m", b"p").astype("S1")
    return joined(
        numbered(b"", dates("2003-04-11", plate % _NIGHTS), 8),
        b"_",
        numbered(b"", hour_minute, 4),
        sign,
        numbered(b"", field // 60, 2),
        b"_",
        numbered(b"", spectrum % _FIBRES + 1, 3),
        length=n,
    )


def fill(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `MADERA` for one block."""
    stars = sky.take(seen.star)
    n = len(stars)
    ra, dec = measured_position(rng, stars, 2000.0, 0.25)
    doubtful, lost = seen.state == State.DOUBTFUL, seen.state == State.LOST
    columns: Values = {
        "rave_obs_id": rave_obs_id(stars.number, seen.visit, stars.ra_deg, stars.dec_deg),
        "ra_input": ra,
        "dec_input": dec,
        "source_id": or_missing(rng, stars.gaia_dr3, 0.03, 0),
        "phot_g_mean_mag": measured(rng, stars.g, 0.003, 0.01),
        "bp_rp": measured(rng, stars.bp - stars.rp, 0.004, 0.01),
        "snr_med_sparv": seen.snr,
        "hrv_sparv": measured(rng, stars.radial_velocity_kms, 1.5),
        "hrv_error_sparv": 0.8 + 20.0 / seen.snr,
        "algo_conv_madera": np.where(doubtful | lost, rng.integers(1, 5, n), 0),
        "chisq_madera": 500.0 + 400.0 * rng.standard_exponential(n),
    }
    for i, name in enumerate(("teff", "logg", "m_h")):
        columns[f"{name}_cal_madera"] = seen.values[:, i]
        columns[f"{name}_error_madera"] = np.where(lost, np.nan, seen.quoted[:, i])
    return columns


MADERA = Table(
    "rave_dr6",
    "rave_dr6_madera.vot",
    "votable",
    "rave_obs_id",
    (
        Column("rave_obs_id", "S20", "", "Spectrum identifier: date, field, fibre"),
        Column("ra_input", "f8", "deg", "Right ascension (J2000) of the input catalogue"),
        Column("dec_input", "f8", "deg", "Declination (J2000) of the input catalogue"),
        Column("source_id", "i8", "", "Gaia EDR3 source id", null=0),
        Column("phot_g_mean_mag", "f4", "mag", "Gaia G"),
        Column("bp_rp", "f4", "mag", "Gaia BP - RP"),
        Column("snr_med_sparv", "f4", "", "S/N per pixel"),
        Column("hrv_sparv", "f4", "km/s", "Heliocentric radial velocity"),
        Column("hrv_error_sparv", "f4", "km/s", "Its error"),
        Column("teff_cal_madera", "f4", "K", "Calibrated effective temperature"),
        Column("teff_error_madera", "f4", "K", "Its error"),
        Column("logg_cal_madera", "f4", "dex", "Calibrated surface gravity"),
        Column("logg_error_madera", "f4", "dex", "Its error"),
        Column("m_h_cal_madera", "f4", "dex", "Calibrated [M/H]"),
        Column("m_h_error_madera", "f4", "dex", "Its error"),
        Column("algo_conv_madera", "i2", "", "0 where the pipeline has converged"),
        Column("chisq_madera", "f4", "", "Chi square of the fit"),
    ),
    fill,
)
