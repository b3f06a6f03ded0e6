"""The cells of a survey's table as plain arrays: numbers with NaN for missing, texts with null."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy import units
from numpy.typing import NDArray

from app.domain.descriptors import MissingValues
from app.domain.errors import TableError

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_ELEMENT = re.compile(r"(.+)\[(\d+)\]")
_FORMATS = ("generic", "cds", "vounit", "fits")
_NOT_NUMBERS = ("", "nan", "NaN", "null", "NULL", "--")
# What catalogues write for quantities whose unit cannot be mistaken: dex of something, or magnitudes.
_FREE = {"dex", "mag"}


@dataclass(frozen=True)
class Cells:
    """Rows of a table with what is needed to name a bad one: the file and the number of the first row."""

    file: str
    batch: pa.RecordBatch
    first_row: int
    missing: MissingValues

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def has(self, name: str) -> bool:
        """Tell whether the table has a column, or the vector column of which `NAME[i]` is an element."""
        return _location(name, self.batch.schema) is not None

    def column(self, name: str) -> pa.Array:
        """Return a column, or element i of every vector for `NAME[i]`.

        Raises:
            TableError: the table has no such column.
        """
        place = _location(name, self.batch.schema)
        if place is None:
            raise TableError(self.file, "the table has no such column", column=name)
        values = self.batch.column(place[0])
        if isinstance(values, pa.DictionaryArray):
            values = values.dictionary_decode()
        return values if place[1] is None else pc.list_element(values, place[1])

    def numbers(self, name: str) -> Floats:
        """Return a column as numbers (n,); missing, infinite and sentinel values are NaN.

        Raises:
            TableError: a cell holds something else, with its row.
        """
        values = self.column(name)
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            values = self._parsed(name, values)
        if not (
            pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_boolean(values.type)
        ):
            raise TableError(self.file, f"numbers are needed, the file has {values.type}", column=name)
        plain = np.asarray(values.fill_null(False if pa.types.is_boolean(values.type) else 0))
        numbers = plain.astype(np.float64)
        numbers[~np.asarray(values.is_valid()) | self._is_sentinel(plain) | ~np.isfinite(numbers)] = np.nan
        return numbers

    def texts(self, name: str) -> pa.Array:
        """Return a column as trimmed texts; empty and missing ones are null.

        Raises:
            TableError: the column holds floating-point numbers.
        """
        values = self.column(name)
        if pa.types.is_floating(values.type):
            raise TableError(
                self.file, "holds floating-point numbers where identifiers or texts are needed", column=name
            )
        texts = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
        nothing = pa.array(["", *self.missing.texts], pa.large_string())
        return pc.if_else(pc.is_in(texts, nothing), pa.scalar(None, pa.large_string()), texts)

    def row_of(self, place: int) -> int:
        """Return the number in the file, counted from 1, of a row of this batch, counted from 0."""
        return self.first_row + place

    def _is_sentinel(self, values: NDArray[Any]) -> Mask:
        bad = np.zeros(len(values), np.bool_)
        if values.dtype.kind == "b":
            return bad
        for value in self.missing.values:
            # Compared in the column's own precision: 99.9 stored as float32 is not 99.9.
            bad |= values == (np.float32(value) if values.dtype == np.float32 else value)
        if self.missing.at_most is not None:
            bad |= values <= self.missing.at_most
        if self.missing.at_least is not None:
            bad |= values >= self.missing.at_least
        return bad

    def _parsed(self, name: str, texts: pa.Array) -> pa.Array:
        texts = pc.utf8_trim_whitespace(texts.cast(pa.large_string()))
        nothing = pa.array([*_NOT_NUMBERS, *self.missing.texts], pa.large_string())
        texts = pc.if_else(pc.is_in(texts, nothing), pa.scalar(None, pa.large_string()), texts)
        try:
            return texts.cast(pa.float64())
        except pa.ArrowInvalid as error:
            place = first_unfit(texts, pa.float64())
            raise TableError(self.file, f"{texts[place]} is no number", row=self.row_of(place), column=name) from error


def first_unfit(texts: pa.Array, kind: pa.DataType) -> int:
    """Return the place of the first text that cannot be cast; there must be one."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            texts[low:middle].cast(kind)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low


def _location(name: str, schema: pa.Schema) -> tuple[int, int | None] | None:
    place = schema.get_field_index(name)
    if place >= 0:
        return place, None
    match = _ELEMENT.fullmatch(name)
    place = schema.get_field_index(match[1]) if match else -1
    if match is None or place < 0 or not _is_list(schema.field(place).type):
        return None
    return place, int(match[2])


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def column_exists(name: str, schema: pa.Schema) -> bool:
    """Tell whether a table has a column, or the vector of which `NAME[i]` is an element."""
    return _location(name, schema) is not None


def unit_factor(file: str, name: str, schema: pa.Schema, declared: str | None, wanted: str) -> float:
    """Return what a column's values have to be multiplied by to be in our unit.

    The unit that the file gives goes before the one that the descriptor declares.

    Raises:
        TableError: the file's unit is unknown, or of another kind of quantity.
    """
    given = _unit_in_file(name, schema)
    parsed = _parse(given) if given else None
    if given and parsed is None and wanted not in _FREE and declared is None:
        raise TableError(file, f"has the unknown unit {given!r}; declare one like {wanted}", column=name)
    unit = parsed or _parse(declared or wanted)
    if wanted in _FREE:
        if unit is not None and not _is_free(unit):
            raise TableError(file, f"is in {given}, which cannot be converted to {wanted}", column=name)
        return 1.0
    try:
        return float(units.Unit(unit).to(units.Unit(wanted)))
    except units.UnitConversionError as error:
        raise TableError(
            file, f"is in {given or declared}, which cannot be converted to {wanted}", column=name
        ) from error


def _unit_in_file(name: str, schema: pa.Schema) -> str | None:
    place = _location(name, schema)
    metadata: Mapping[bytes, bytes] = (schema.field(place[0]).metadata if place else None) or {}
    unit = metadata.get(b"unit")
    return unit.decode().strip() if unit else None


def standard_spelling(unit: str) -> str | None:
    """Return how VOUnits spell a unit, None where they or FITS do not know it.

    >>> standard_spelling("km/s"), standard_spelling("furlongs")
    ('km.s**-1', None)
    """
    try:
        spelled: str = units.Unit(_parse(unit)).to_string("vounit")
        for known in ("vounit", "fits"):
            units.Unit(spelled, format=known)
    except (ValueError, TypeError):
        return None
    return spelled or None


def _parse(unit: str | None) -> Any:
    if unit in {"h", "hr", "hour", "hours"}:
        return units.hourangle
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for spelling in _FORMATS:
            try:
                return units.Unit(unit, format=spelling)
            except (ValueError, TypeError):
                continue
    return None


def _is_free(unit: Any) -> bool:
    """Whether a unit is logarithmic or none at all."""
    return isinstance(unit, units.function.FunctionUnitBase) or bool(
        unit in {units.dex, units.mag} or unit.is_equivalent(units.dimensionless_unscaled)
    )
