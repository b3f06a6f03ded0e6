"""Identifiers: exact to the last of their 64 bits, whether a file holds them as integers or as text."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.domain.errors import TableError
from app.domain.survey_columns import Identifier
from app.surveys.cells import Cells, first_unfit

MaskedIntegers: TypeAlias = "np.ma.MaskedArray[Any, np.dtype[np.int64]]"

_GAIA_NAME = r"^(?:Gaia\s+E?DR\d\s+)?"
_DESIGNATION = r"^(?:2MASS)?\s*(?:J|2M)?(?P<digits>\d{8}[+-]\d{7})$"


def gaia_ids(cells: Cells, identifier: Identifier) -> MaskedIntegers:
    """Return Gaia source ids (n,); empty, zero, negative and declared-missing ones are masked.

    Raises:
        TableError: the column holds floating-point numbers, or a text that is no 64-bit integer.
    """
    values = cells.column(identifier.column)
    if pa.types.is_floating(values.type):
        problem = "holds floating-point numbers, which cannot hold 64-bit ids: write the ids as integers or text"
        raise TableError(cells.file, problem, column=identifier.column)
    if not pa.types.is_signed_integer(values.type):
        values = _parsed(cells, identifier.column, values)
    numbers = np.asarray(values.fill_null(0)).astype(np.int64)
    absent = (numbers <= 0) | np.isin(numbers, [one for one in identifier.missing if isinstance(one, int)])
    return np.ma.masked_array(numbers, absent)


def _parsed(cells: Cells, name: str, values: pa.Array) -> pa.Array:
    texts = pc.replace_substring_regex(cells.texts(name), _GAIA_NAME, "")
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid as error:
        place = first_unfit(texts, pa.int64())
        problem = f"{values[place]} is no 64-bit integer; an id has digits only, no point and no exponent"
        raise TableError(cells.file, problem, row=cells.row_of(place), column=name) from error


def object_ids(cells: Cells, identifier: Identifier) -> pa.Array:
    """Return the survey's own names of its objects as text, null where there is none.

    Raises:
        TableError: the column holds floating-point numbers.
    """
    texts = cells.texts(identifier.column)
    if not identifier.missing:
        return texts
    missing = pa.array([str(one) for one in identifier.missing], pa.large_string())
    return pc.if_else(pc.is_in(texts, missing), pa.scalar(None, pa.large_string()), texts)


def tmass_designations(cells: Cells, name: str) -> pa.Array:
    """Return 2MASS designations as `hhmmssss+ddmmsss`, without `2MASS`, `J` or `2M` before it; null for other names."""
    return pc.struct_field(pc.extract_regex(cells.texts(name), _DESIGNATION), "digits")


def coordinates(designations: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return RA and Dec in degrees (n,) that designations spell, NaN for null.

    >>> ra, dec = coordinates(pa.array(["08520715+1149254"]))
    >>> float(ra[0]).__round__(6), float(dec[0]).__round__(6)
    (133.029792, 11.823722)
    """
    known = np.asarray(designations.is_valid())
    text = np.asarray(designations.fill_null("0" * 8 + "+" + "0" * 7)).astype("S16")
    bytes_ = np.ascontiguousarray(text).view(np.uint8).reshape(len(text), 16)
    digit = bytes_.astype(np.float64) - ord("0")
    two = digit[:, [0, 2, 4, 9, 11, 13]] * 10 + digit[:, [1, 3, 5, 10, 12, 14]]
    seconds = two[:, 2] + digit[:, 6] / 10 + digit[:, 7] / 100
    ra = 15.0 * (two[:, 0] + two[:, 1] / 60 + seconds / 3600)
    dec = two[:, 3] + two[:, 4] / 60 + (two[:, 5] + digit[:, 15] / 10) / 3600
    dec = np.where(bytes_[:, 8] == ord("-"), -dec, dec)
    return np.where(known, ra, np.nan), np.where(known, dec, np.nan)
