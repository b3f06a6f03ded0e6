"""Columns of published tables and the shared part of filling them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.science.arrays import Booleans, Floats, Integers
from app.science.mock import positions
from app.science.mock.identifiers import Names, as_names, digits
from app.science.mock.observations import Observations
from app.science.mock.sky import Stars

Values = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Column:
    """A column of a published table.

    Attributes:
        name: as published.
        kind: numpy type: i2, i4, i8, f4, f8, ? for true or false, or S and a width for text.
        unit: as the VO writes units, empty for none.
        description: one sentence.
        null: the integer that stands for a missing value where the format has no other way.
    """

    name: str
    kind: str
    unit: str = ""
    description: str = ""
    null: int | None = None


@dataclass(frozen=True)
class Table:
    """A published table: its file, its columns, the one that names the object, and how rows are filled."""

    survey: str
    file_name: str
    file_format: str
    object_id: str
    columns: tuple[Column, ...]
    fill: Callable[[np.random.Generator, Stars, Observations], Values]


def rounded(values: Floats, decimals: int) -> Floats:
    """Return values as a catalogue prints them."""
    return np.round(values, decimals)


def or_missing(rng: np.random.Generator, ids: Integers, share: float, null: int) -> Integers:
    """Return ids, a share of them replaced by `null`: cross-identification failed."""
    return np.where(rng.random(len(ids)) < share, null, ids)


def pick(rng: np.random.Generator, chosen: Booleans, bits: tuple[int, ...]) -> Integers:
    """Return for each row (n,) one of the bits, set where the row is chosen, else 0."""
    values = np.array([1 << bit for bit in bits])
    return np.where(chosen, values[rng.integers(0, len(bits), len(chosen))], 0)


def measured_position(
    rng: np.random.Generator, stars: Stars, epoch_jyear: float, error_arcsec: float
) -> tuple[Floats, Floats]:
    """Return RA and Dec (n,) in degrees at an epoch, off by a normal error on each axis."""
    error = rng.standard_normal((len(stars), 2)) * error_arcsec * 1000.0
    years = epoch_jyear - 2000.0
    east = stars.pm_ra_cosdec_masyr * years + error[:, 0]
    north = stars.pm_dec_masyr * years + error[:, 1]
    return positions.moved(stars.ra_deg, stars.dec_deg, east, north, 1.0)


def measured(rng: np.random.Generator, values: Floats, error: float, missing: float = 0.0) -> Floats:
    """Return values (n,) with a normal error, a share of them NaN."""
    noisy = values + error * rng.standard_normal(len(values))
    return np.where(rng.random(len(values)) < missing, np.nan, noisy)


def parallax(rng: np.random.Generator, stars: Stars) -> tuple[Floats, Floats]:
    """Return parallaxes and their errors (n,) in mas, worse for faint stars."""
    error = 0.015 * 10.0 ** (0.2 * np.clip(stars.g - 14.0, 0.0, None))
    return 1.0 / stars.distance_kpc + error * rng.standard_normal(len(stars)), error


def numbered(prefix: bytes, value: Integers, width: int) -> Names:
    """Return texts (n,): a prefix and a number with leading zeros.

    >>> numbered(b"K", np.array([7]), 3)
    array([b'K007'], dtype='|S4')
    """
    start = np.broadcast_to(np.frombuffer(prefix, dtype=np.uint8), (len(value), len(prefix)))
    return as_names(np.concatenate([start, digits(value, width)], axis=1))


def dates(start: str, day: Integers) -> Integers:
    """Return dates (n,) as numbers yyyymmdd, `day` days after `start`.

    >>> dates("2013-11-16", np.array([0, 20])).tolist()
    [20131116, 20131206]
    """
    date = np.datetime64(start, "D") + day.astype("timedelta64[D]")
    month = date.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    months = (month - year).astype(np.int64) + 1
    days = (date - month).astype(np.int64) + 1
    numbers: Integers = (year.astype(np.int64) + 1970) * 10_000 + months * 100 + days
    return numbers
