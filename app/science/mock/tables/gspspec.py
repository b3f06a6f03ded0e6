"""Gaia DR3 GSP-Spec: astrophysical parameters joined with the source table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.science.mock.identifiers import Names, as_names
from app.science.mock.observations import Observations, State
from app.science.mock.sky import Stars
from app.science.mock.surveys import GAIA_GSPSPEC
from app.science.mock.tables.columns import Column, Table, Values, measured, measured_position, parallax

FLAGS = 41
STRICT = 13
"""Rows are trusted where this many of the first flags are all 0."""


def fill(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `PARAMETERS` for one block.

    The error of a value reaches up by sigma x skew and down by sigma / skew, so that what the value says of the truth
    reaches down by the one and up by the other.
    """
    stars = sky.take(seen.star)
    ra, dec = measured_position(rng, stars, 2016.0, 3e-5)
    distance, distance_error = parallax(rng, stars)
    columns: Values = {
        "source_id": stars.gaia_dr3,
        "ra": ra,
        "dec": dec,
        "parallax": distance,
        "parallax_error": distance_error,
        "pmra": measured(rng, stars.pm_ra_cosdec_masyr, 0.02),
        "pmdec": measured(rng, stars.pm_dec_masyr, 0.02),
        "radial_velocity": measured(rng, stars.radial_velocity_kms, 0.8),
        **{f"phot_{band}_mean_mag": measured(rng, getattr(stars, band), 0.003) for band in ("g", "bp", "rp")},
        "ruwe": 0.9 + 0.1 * rng.standard_exponential(len(stars)) + stars.binary,
        "rv_expected_sig_to_noise": seen.snr,
        "flags_gspspec": _flags(rng, seen),
    }
    columns["bp_rp"] = columns["phot_bp_mean_mag"] - columns["phot_rp_mean_mag"]  # type: ignore[operator]  # floats
    for i, name in enumerate(("teff", "logg", "mh")):
        columns[f"{name}_gspspec"] = seen.values[:, i]
        columns[f"{name}_gspspec_lower"] = seen.values[:, i] - seen.quoted[:, i] * GAIA_GSPSPEC.skew
        columns[f"{name}_gspspec_upper"] = seen.values[:, i] + seen.quoted[:, i] / GAIA_GSPSPEC.skew
    return columns


def _flags(rng: np.random.Generator, seen: Observations) -> Names:
    """One of the 13 decisive flags is raised for doubtful and lost rows and, mildly, for one good row in twenty."""
    n = len(seen)
    text: npt.NDArray[np.uint8] = np.full((n, FLAGS), ord("0"), dtype=np.uint8)
    bad = (seen.state == State.DOUBTFUL) | (seen.state == State.LOST)
    mild = ~bad & (rng.random(n) < 0.05)
    place, level = rng.integers(0, STRICT, n), rng.integers(2, 4, n)
    rows = np.flatnonzero(bad | mild)
    text[rows, place[rows]] = ord("0") + np.where(mild, 1, level)[rows]
    weak_lines = rng.random((n, (FLAGS - STRICT) // 2)) < 0.4
    text[:, STRICT::2] = np.where(weak_lines, ord("9"), ord("0"))
    text[:, STRICT + 1 :: 2] = np.where(weak_lines, ord("9"), ord("0"))
    return as_names(text)


PARAMETERS = Table(
    "gaia_gspspec",
    "gaia_dr3_gspspec.parquet",
    "parquet",
    "source_id",
    (
        Column("source_id", "i8", "", "Gaia DR3 source id"),
        Column("ra", "f8", "deg", "Right ascension, epoch 2016.0"),
        Column("dec", "f8", "deg", "Declination, epoch 2016.0"),
        Column("parallax", "f8", "mas", "Parallax"),
        Column("parallax_error", "f4", "mas", "Its error"),
        Column("pmra", "f8", "mas/yr", "Proper motion in RA times cos Dec"),
        Column("pmdec", "f8", "mas/yr", "Proper motion in Dec"),
        Column("radial_velocity", "f4", "km/s", "Radial velocity"),
        Column("phot_g_mean_mag", "f4", "mag", "G"),
        Column("phot_bp_mean_mag", "f4", "mag", "BP"),
        Column("phot_rp_mean_mag", "f4", "mag", "RP"),
        Column("bp_rp", "f4", "mag", "BP - RP"),
        Column("ruwe", "f4", "", "Renormalised unit weight error"),
        Column("rv_expected_sig_to_noise", "f4", "", "Expected S/N of the RVS spectrum"),
        Column("teff_gspspec", "f4", "K", "Effective temperature"),
        Column("teff_gspspec_lower", "f4", "K", "16th percentile"),
        Column("teff_gspspec_upper", "f4", "K", "84th percentile"),
        Column("logg_gspspec", "f4", "dex", "Surface gravity, uncalibrated"),
        Column("logg_gspspec_lower", "f4", "dex", "16th percentile"),
        Column("logg_gspspec_upper", "f4", "dex", "84th percentile"),
        Column("mh_gspspec", "f4", "dex", "[M/H], uncalibrated"),
        Column("mh_gspspec_lower", "f4", "dex", "16th percentile"),
        Column("mh_gspspec_upper", "f4", "dex", "84th percentile"),
        Column("flags_gspspec", "S41", "", "41 quality flags"),
    ),
    fill,
)
