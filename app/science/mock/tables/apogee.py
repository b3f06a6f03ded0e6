"""APOGEE DR17: the allStar file."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Booleans
from app.science.mock import positions
from app.science.mock.identifiers import designation, joined
from app.science.mock.observations import Observations, State
from app.science.mock.sky import Stars
from app.science.mock.tables.columns import (
    Column,
    Table,
    Values,
    measured,
    measured_position,
    or_missing,
    parallax,
    pick,
)

DUPLICATE = 1 << 4
_BAD = (16, 17, 19, 23)
_NO_RESULT = (1 << 31) | (1 << 23)
_BAD_SPECTRUM = (0, 3, 18)
_WARNINGS = (8, 9, 10, 11, 12, 14)
_REMARKS = (4, 9, 10, 11, 16, 17)
_BAD_IRON, _WEAK_IRON = (0, 2, 3, 6), (8,)


def fill(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `ALL_STAR` for one block."""
    stars = sky.take(seen.star)
    n = len(stars)
    ra, dec = measured_position(rng, stars, 2000.0, 0.08)
    longitude, latitude = positions.galactic(ra, dec)
    distance, distance_error = parallax(rng, stars)
    doubtful, lost = seen.state == State.DOUBTFUL, seen.state == State.LOST
    spectrum = doubtful & (rng.random(n) < 0.3)
    teff, logg, feh = seen.values.T
    poor_iron = ~lost & (rng.random(n) < 0.015)
    iron = np.where(poor_iron, np.where(rng.random(n) < 0.5, np.nan, feh + 0.3), feh)
    gone = lost & (rng.random(n) < 0.5)
    columns: Values = {
        "APOGEE_ID": joined(b"2M", designation(stars.ra_deg, stars.dec_deg), length=n),
        "TELESCOPE": np.where(stars.dec_deg > -25.0, b"apo25m", b"lco25m").astype("S8"),
        "RA": ra,
        "DEC": dec,
        "GLON": longitude,
        "GLAT": latitude,
        **{band.upper(): measured(rng, getattr(stars, band), 0.02, 0.003) for band in ("j", "h", "k")},
        "EXTRATARG": np.where(_is_duplicate(seen), DUPLICATE, 0) | pick(rng, rng.random(n) < 0.1, (0,)),
        "NVISITS": rng.integers(1, 7, n),
        "SNR": seen.snr,
        "STARFLAG": pick(rng, spectrum, _BAD_SPECTRUM) | pick(rng, rng.random(n) < 0.08, _REMARKS),
        "VHELIO_AVG": measured(rng, stars.radial_velocity_kms, 0.1),
        "VSCATTER": 0.1 + 3.0 * stars.binary * rng.random(n),
        "ASPCAPFLAG": pick(rng, doubtful & ~spectrum, _BAD)
        | np.where(lost, _NO_RESULT, 0)
        | pick(rng, rng.random(n) < 0.06, _WARNINGS),
        "FE_H_FLAG": pick(rng, poor_iron | lost, _BAD_IRON) | pick(rng, rng.random(n) < 0.01, _WEAK_IRON),
        "GAIAEDR3_SOURCE_ID": or_missing(rng, stars.gaia_dr3, 0.02, 0),
        "GAIAEDR3_PARALLAX": distance,
        "GAIAEDR3_PARALLAX_ERROR": distance_error,
        "GAIAEDR3_PMRA": measured(rng, stars.pm_ra_cosdec_masyr, 0.03),
        "GAIAEDR3_PMDEC": measured(rng, stars.pm_dec_masyr, 0.03),
    }
    for band in ("g", "bp", "rp"):
        columns[f"GAIAEDR3_PHOT_{band.upper()}_MEAN_MAG"] = measured(rng, getattr(stars, band), 0.003, 0.005)
    reported = {"TEFF": teff, "LOGG": logg, "M_H": feh + 0.01, "FE_H": iron}
    for name, values in reported.items():
        error = seen.quoted[:, min(list(reported).index(name), 2)]
        columns[name] = np.where(gone, -9999.0, values)
        columns[f"{name}_ERR"] = np.where(gone, -9999.0, np.where(np.isnan(values), np.nan, error))
    return columns


def _is_duplicate(seen: Observations) -> Booleans:
    """All rows of a star but the one of highest S/N."""
    order = np.lexsort((-seen.snr, seen.star))
    best = np.zeros(len(seen), dtype=np.bool_)
    best[order] = np.diff(seen.star[order], prepend=-1) != 0
    return ~best


ALL_STAR = Table(
    "apogee_dr17",
    "allStar-dr17-synspec_rev1.fits",
    "fits",
    "APOGEE_ID",
    (
        Column("APOGEE_ID", "S18", "", "2M and the 2MASS designation"),
        Column("TELESCOPE", "S8", "", "Telescope"),
        Column("RA", "f8", "deg", "Right ascension (J2000)"),
        Column("DEC", "f8", "deg", "Declination (J2000)"),
        Column("GLON", "f8", "deg", "Galactic longitude"),
        Column("GLAT", "f8", "deg", "Galactic latitude"),
        Column("J", "f4", "mag", "2MASS J"),
        Column("H", "f4", "mag", "2MASS H"),
        Column("K", "f4", "mag", "2MASS Ks"),
        Column("EXTRATARG", "i4", "", "Bitmask: 0 not main survey, 4 duplicate observation"),
        Column("NVISITS", "i4", "", "Visits combined"),
        Column("SNR", "f4", "", "Median S/N per pixel"),
        Column("STARFLAG", "i8", "", "Bitmask of the spectrum"),
        Column("VHELIO_AVG", "f4", "km/s", "Barycentric radial velocity"),
        Column("VSCATTER", "f4", "km/s", "Scatter of the visits' radial velocities"),
        Column("ASPCAPFLAG", "i8", "", "Bitmask of the parameter pipeline"),
        Column("TEFF", "f4", "K", "Calibrated effective temperature"),
        Column("TEFF_ERR", "f4", "K", "Its error"),
        Column("LOGG", "f4", "dex", "Calibrated surface gravity"),
        Column("LOGG_ERR", "f4", "dex", "Its error"),
        Column("M_H", "f4", "dex", "Calibrated [M/H]"),
        Column("M_H_ERR", "f4", "dex", "Its error"),
        Column("FE_H", "f4", "dex", "[Fe/H]"),
        Column("FE_H_ERR", "f4", "dex", "Its error"),
        Column("FE_H_FLAG", "i4", "", "Bitmask of [Fe/H]"),
        Column("GAIAEDR3_SOURCE_ID", "i8", "", "Gaia EDR3 source id, 0 where there is none"),
        Column("GAIAEDR3_PARALLAX", "f4", "mas", "Gaia EDR3 parallax"),
        Column("GAIAEDR3_PARALLAX_ERROR", "f4", "mas", "Its error"),
        Column("GAIAEDR3_PMRA", "f4", "mas/yr", "Proper motion in RA times cos Dec"),
        Column("GAIAEDR3_PMDEC", "f4", "mas/yr", "Proper motion in Dec"),
        Column("GAIAEDR3_PHOT_G_MEAN_MAG", "f4", "mag", "Gaia G"),
        Column("GAIAEDR3_PHOT_BP_MEAN_MAG", "f4", "mag", "Gaia BP"),
        Column("GAIAEDR3_PHOT_RP_MEAN_MAG", "f4", "mag", "Gaia RP"),
    ),
    fill,
)
