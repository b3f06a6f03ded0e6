"""The two small surveys: tables as a team would put them on its web page."""

from __future__ import annotations

import numpy as np

from app.science.mock.identifiers import joined
from app.science.mock.observations import Observations
from app.science.mock.sky import Stars
from app.science.mock.tables.columns import (
    Column,
    Table,
    Values,
    measured,
    measured_position,
    numbered,
    or_missing,
    rounded,
)

_COLUMNS = (
    Column("object_id", "S12", "", "Name of the spectrum"),
    Column("ra", "f8", "deg", "Right ascension (J2000)"),
    Column("dec", "f8", "deg", "Declination (J2000)"),
    Column("gaia_dr3_source_id", "i8", "", "Gaia DR3 source id", null=0),
    Column("teff", "f8", "K", "Effective temperature"),
    Column("teff_err", "f8", "K", "Its error"),
    Column("logg", "f8", "dex", "Surface gravity"),
    Column("logg_err", "f8", "dex", "Its error"),
    Column("feh", "f8", "dex", "[Fe/H]"),
    Column("feh_err", "f8", "dex", "Its error"),
    Column("snr", "f8", "", "S/N"),
    Column("g_mag", "f8", "mag", "Gaia G"),
)


def fill_a(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `SMALL_A` for one block; Gaia ids are known for 4 of 5 rows."""
    return _fill(rng, sky, seen, b"A", 0.2)


def fill_b(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `SMALL_B` for one block; Gaia ids are known for half of the rows."""
    return _fill(rng, sky, seen, b"B", 0.5)


def _fill(rng: np.random.Generator, sky: Stars, seen: Observations, letter: bytes, unknown: float) -> Values:
    stars = sky.take(seen.star)
    ra, dec = measured_position(rng, stars, 2000.0, 0.15)
    columns: Values = {
        "object_id": joined(numbered(letter, stars.number, 9), b"-", numbered(b"", seen.visit, 1), length=len(stars)),
        "ra": rounded(ra, 6),
        "dec": rounded(dec, 6),
        "gaia_dr3_source_id": or_missing(rng, stars.gaia_dr3, unknown, 0),
        "snr": rounded(seen.snr, 0),
        "g_mag": rounded(measured(rng, stars.g, 0.003, 0.01), 3),
    }
    for i, (name, decimals) in enumerate((("teff", 0), ("logg", 2), ("feh", 2))):
        columns[name] = rounded(seen.values[:, i], decimals)
        columns[f"{name}_err"] = np.where(
            np.isnan(seen.values[:, i]), np.nan, np.maximum(rounded(seen.quoted[:, i], decimals), 10.0**-decimals)
        )
    return columns


SMALL_A = Table("small_a", "small_a.csv", "csv", "object_id", _COLUMNS, fill_a)
SMALL_B = Table("small_b", "small_b.ecsv", "ecsv", "object_id", _COLUMNS, fill_b)
