"""LAMOST: the low-resolution AFGK catalogue and the medium-resolution parameter catalogue."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.mock.identifiers import Names, designation, joined
from app.science.mock.observations import Observations
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
    rounded,
)

SENTINEL = -9999
LOW_OFFSET, MEDIUM_OFFSET = 100_000_000, 5_000_000_000
_COMMON_START = (
    Column("uid", "S15", "", "Unique star identifier"),
    Column("gp_id", "i8", "", "Group of observations of one star"),
    Column("designation", "S20", "", "Target designation"),
    Column("obsdate", "S10", "", "Date of observation"),
)
_COMMON_GAIA = (
    Column("gaia_source_id", "S19", "", "Gaia source id as text, -9999 where there is none"),
    Column("gaia_g_mean_mag", "f8", "mag", "Gaia G, -9999 where there is none"),
)


def obsid(number: Integers, visit: Integers, offset: int) -> Integers:
    """Return spectrum identifiers (n,), one for each star and visit."""
    return offset + number * MOST_VISITS + visit


def fill_low(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `LRS` for one block."""
    stars = sky.take(seen.star)
    colour = stars.bp - stars.rp
    bluer = rounded(seen.snr * np.clip(0.75 - 0.35 * colour, 0.05, 1.0), 2)
    return {
        "obsid": obsid(stars.number, seen.visit, LOW_OFFSET),
        **_common(rng, stars, seen),
        "snru": bluer,
        "snrg": rounded(seen.snr, 2),
        "snrr": rounded(seen.snr * (1.0 + 0.25 * colour), 2),
        "snri": rounded(seen.snr * (1.0 + 0.35 * colour), 2),
        "snrz": rounded(seen.snr * (0.8 + 0.30 * colour), 2),
        "class": np.full(len(stars), b"STAR"),
        "subclass": _subclass(stars),
        "z": rounded(stars.radial_velocity_kms / 299_792.458, 8),
        **_parameters(seen, ("teff", "logg", "feh")),
        "rv": rounded(measured(rng, stars.radial_velocity_kms, 4.0), 2),
        "rv_err": rounded(3.0 + 40.0 / seen.snr, 2),
    }


def fill_medium(rng: np.random.Generator, sky: Stars, seen: Observations) -> Values:
    """Return the columns of `MRS` for one block."""
    stars = sky.take(seen.star)
    n = len(stars)
    spectrum = obsid(stars.number, seen.visit, MEDIUM_OFFSET)
    values = _parameters(seen, ("teff_lasp", "logg_lasp", "feh_lasp"))
    false_poor = (stars.teff > 7000.0) & (rng.random(n) < 0.25) & (values["feh_lasp"] > SENTINEL)
    values["feh_lasp"] = np.where(false_poor, rounded(-2.3 + 0.05 * rng.standard_normal(n), 3), values["feh_lasp"])
    columns: Values = {
        "mobsid": numbered(b"LM", spectrum, 10),
        "obsid": spectrum,
        **_common(rng, stars, seen),
        "band": np.full(n, b"B"),
        "snr": rounded(seen.snr, 2),
        "gaia_bp_mean_mag": rounded(measured(rng, stars.bp, 0.003), 4),
        "gaia_rp_mean_mag": rounded(measured(rng, stars.rp, 0.003), 4),
        **values,
        "rv_b0": rounded(measured(rng, stars.radial_velocity_kms, 1.0), 2),
        "rv_b0_err": rounded(0.5 + 15.0 / seen.snr, 2),
        "coadd": (rng.random(n) > 0.06).astype(np.int64),
        "fibermask": np.zeros(n, dtype=np.int64),
    }
    lost_position = rng.random(n) < 0.001
    for name in ("ra", "dec"):
        columns[name] = np.where(lost_position, SENTINEL, columns[name])
    return columns


def _common(rng: np.random.Generator, stars: Stars, seen: Observations) -> Values:
    ra, dec = measured_position(rng, stars, 2000.0, 0.15)
    gaia = or_missing(rng, stars.gaia_dr3, 0.04, SENTINEL)
    g = measured(rng, stars.g, 0.003)
    return {
        "uid": numbered(b"G", stars.number, 14),
        "gp_id": stars.number,
        "designation": joined(b"J", designation(ra, dec), length=len(stars)),
        "obsdate": _obsdate((stars.number * 37 + seen.visit * 211) % 3650),
        "gaia_source_id": gaia.astype("S19"),
        "gaia_g_mean_mag": np.where(gaia == SENTINEL, SENTINEL, rounded(g, 4)),
        "ra": rounded(ra, 8),
        "dec": rounded(dec, 8),
    }


def _obsdate(day: Integers) -> Names:
    text = numbered(b"", dates("2011-10-24", day), 8)
    parts = text.view(np.uint8).reshape(len(day), 8)
    year, month, date = (
        np.ascontiguousarray(parts[:, a:b]).view(f"S{b - a}")[:, 0] for a, b in ((0, 4), (4, 6), (6, 8))
    )
    return joined(year, b"-", month, b"-", date, length=len(day))


def _subclass(stars: Stars) -> Names:
    kinds = np.array([b"K5", b"K3", b"K0", b"G5", b"G0", b"F5", b"F0", b"A7"])
    return kinds[np.searchsorted([4400.0, 4900.0, 5300.0, 5750.0, 6100.0, 6700.0, 7400.0], stars.teff)]


def _parameters(seen: Observations, names: tuple[str, str, str]) -> dict[str, Floats]:
    columns = {}
    for i, (name, decimals) in enumerate(zip(names, (2, 3, 3), strict=True)):
        lost = np.isnan(seen.values[:, i])
        columns[name] = np.where(lost, SENTINEL, rounded(seen.values[:, i], decimals))
        columns[f"{name}_err"] = np.where(lost, SENTINEL, rounded(seen.quoted[:, i], decimals))
    return columns


LRS = Table(
    "lamost_lrs",
    "dr10_v2.0_LRS_stellar.csv.gz",
    "csv.gz",
    "obsid",
    (
        Column("obsid", "i8", "", "Spectrum identifier"),
        *_COMMON_START,
        Column("snru", "f8", "", "S/N in u"),
        Column("snrg", "f8", "", "S/N in g"),
        Column("snrr", "f8", "", "S/N in r"),
        Column("snri", "f8", "", "S/N in i"),
        Column("snrz", "f8", "", "S/N in z"),
        Column("class", "S6", "", "Object class"),
        Column("subclass", "S4", "", "Spectral type"),
        Column("z", "f8", "", "Redshift"),
        *_COMMON_GAIA,
        Column("ra", "f8", "deg", "Right ascension of the input catalogue"),
        Column("dec", "f8", "deg", "Declination of the input catalogue"),
        Column("teff", "f8", "K", "Effective temperature"),
        Column("teff_err", "f8", "K", "Its error"),
        Column("logg", "f8", "dex", "Surface gravity"),
        Column("logg_err", "f8", "dex", "Its error"),
        Column("feh", "f8", "dex", "[Fe/H]"),
        Column("feh_err", "f8", "dex", "Its error"),
        Column("rv", "f8", "km/s", "Radial velocity"),
        Column("rv_err", "f8", "km/s", "Its error"),
    ),
    fill_low,
)
MRS = Table(
    "lamost_mrs",
    "dr10_v2.0_MRS_stellar.csv",
    "csv",
    "mobsid",
    (
        Column("mobsid", "S12", "", "Identifier of the medium-resolution spectrum"),
        Column("obsid", "i8", "", "Identifier of the observation"),
        *_COMMON_START,
        Column("band", "S2", "", "Arm of the spectrograph"),
        Column("snr", "f8", "", "S/N"),
        *_COMMON_GAIA,
        Column("gaia_bp_mean_mag", "f8", "mag", "Gaia BP"),
        Column("gaia_rp_mean_mag", "f8", "mag", "Gaia RP"),
        Column("ra", "f8", "deg", "Right ascension of the input catalogue"),
        Column("dec", "f8", "deg", "Declination of the input catalogue"),
        Column("teff_lasp", "f8", "K", "Effective temperature by LASP"),
        Column("teff_lasp_err", "f8", "K", "Its error"),
        Column("logg_lasp", "f8", "dex", "Surface gravity by LASP"),
        Column("logg_lasp_err", "f8", "dex", "Its error"),
        Column("feh_lasp", "f8", "dex", "[Fe/H] by LASP"),
        Column("feh_lasp_err", "f8", "dex", "Its error"),
        Column("rv_b0", "f8", "km/s", "Radial velocity, blue arm"),
        Column("rv_b0_err", "f8", "km/s", "Its error"),
        Column("coadd", "i2", "", "1 for a co-added spectrum, 0 for a single exposure"),
        Column("fibermask", "i4", "", "Bitmask of fibre problems"),
    ),
    fill_medium,
)
