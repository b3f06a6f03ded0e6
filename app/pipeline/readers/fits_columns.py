"""Columns of FITS binary tables: how stored bytes become Arrow values (FITS Standard 4.0, sections 7.3.2 to 7.3.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.domain.errors import TableError
from app.pipeline.readers.source import is_gzip

_FORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])(.*)")
_DTYPES = {"L": "u1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
_DTYPES |= {"C": ">f4", "M": ">f8", "P": ">i4", "Q": ">i8", "A": "S1"}
_UNSIGNED = {("B", -128.0): "i1", ("I", 2.0**15): "u2", ("J", 2.0**31): "u4", ("K", 2.0**63): "u8"}

Convert: TypeAlias = Callable[[NDArray[Any]], pa.Array]


@dataclass(frozen=True)
class FitsColumn:
    """A column: its Arrow type and how stored values become Arrow values.

    `in_heap` is the stored type of the elements where rows hold arrays of varying length, None elsewhere.
    """

    name: str
    unit: str | None
    kind: pa.DataType
    convert: Convert
    in_heap: str | None = None

    def gather(self, path: Path, heap: int, pointers: NDArray[Any]) -> pa.Array:
        """Return arrays of varying length from the heap behind the rows; `pointers` are (n, 2) counts and places."""
        if is_gzip(path):
            raise TableError(path.name, "holds arrays of varying length: uncompress the file first", column=self.name)
        dtype = np.dtype(self.in_heap)
        with path.open("rb") as source:
            parts = []
            for count, place in pointers.tolist():
                source.seek(heap + place)
                parts.append(source.read(count * dtype.itemsize))
        offsets = np.concatenate([[0], np.cumsum(pointers[:, 0], dtype=np.int64)])
        if dtype.kind == "S":
            return pa.array([part.decode("latin-1").rstrip("\0 ") for part in parts], pa.string())
        return pa.LargeListArray.from_arrays(pa.array(offsets), self.convert(np.frombuffer(b"".join(parts), dtype)))


def stored_dtype(file: str, column: Any) -> np.dtype[Any]:
    """Return the numpy type of a column's bytes in a row.

    Raises:
        TableError: the format is none that the standard knows.
    """
    repeat, letter, _ = _parse_form(file, column)
    if letter == "A":
        return np.dtype(f"S{repeat}") if repeat else np.dtype("V0")
    if letter == "X":
        repeat = -(-repeat // 8)
    if letter in "CMPQ":
        repeat *= 2
    return np.dtype((_DTYPES[letter], (repeat,))) if repeat != 1 else np.dtype(_DTYPES[letter])


def fits_column(file: str, column: Any) -> FitsColumn:
    """Return how a column, as astropy describes it, is read.

    Raises:
        TableError: the format is none that the standard knows.
    """
    repeat, letter, rest = _parse_form(file, column)
    if letter in "PQ":
        return _heap_column(file, column, rest)
    if letter == "A":
        return _text_column(column, repeat)
    item, convert = _item(letter, column)
    size = {"C": 2 * repeat, "M": 2 * repeat, "X": -(-repeat // 8)}.get(letter, repeat)
    if size == 1:
        return FitsColumn(column.name, column.unit, item, convert)
    return FitsColumn(column.name, column.unit, pa.list_(item, size), _vector(convert, size))


def _parse_form(file: str, column: Any) -> tuple[int, str, str]:
    match = _FORM.match(str(column.format))
    if match is None:
        raise TableError(file, f"has the unknown FITS format {column.format!r}", column=column.name)
    return int(match[1] or 1), match[2], match[3]


def _heap_column(file: str, column: Any, rest: str) -> FitsColumn:
    letter = rest[:1]
    if letter == "A":
        return FitsColumn(column.name, column.unit, pa.string(), _text, "S1")
    if letter not in "LBIJKED":
        raise TableError(file, f"has the unsupported FITS format {column.format!r}", column=column.name)
    item, convert = _item(letter, column)
    return FitsColumn(column.name, column.unit, pa.large_list(item), convert, _DTYPES[letter])


def _text_column(column: Any, width: int) -> FitsColumn:
    if column.dim and "," in str(column.dim):
        each = int(str(column.dim).strip("() ").split(",")[0])
        size = width // max(each, 1)
        kind, convert = pa.list_(pa.string(), size), _vector(_text, size, f"S{each}")
        return FitsColumn(column.name, column.unit, kind, convert)
    return FitsColumn(column.name, column.unit, pa.string(), _text if width else _nothing)


def _nothing(values: NDArray[Any]) -> pa.Array:
    return pa.nulls(len(values), pa.string())


def _text(values: NDArray[Any]) -> pa.Array:
    try:
        text = pa.array(np.ascontiguousarray(values)).cast(pa.string())
    except pa.ArrowInvalid:
        text = pa.array(np.char.decode(values, "latin-1"), pa.string())
    if pc.any(pc.match_substring(text, "\0")).as_py():
        text = pc.replace_substring_regex(text, "(?s)\0.*", "")
    return pc.utf8_rtrim(text, " ")


def _vector(convert: Convert, size: int, view: str | None = None) -> Convert:
    def split(values: NDArray[Any]) -> pa.Array:
        flat = np.frombuffer(values.tobytes(), view) if view else values
        return pa.FixedSizeListArray.from_arrays(convert(flat.reshape(-1)), size)

    return split


def _item(letter: str, column: Any) -> tuple[pa.DataType, Convert]:
    if letter == "L":
        return pa.bool_(), _logical
    scale, zero = float(column.bscale or 1), float(column.bzero or 0)
    null = column.null if letter in "BIJK" else None
    turned = _UNSIGNED.get((letter, zero)) if scale == 1 else None
    if turned:
        return pa.from_numpy_dtype(np.dtype(turned)), _turned(np.dtype(turned), null)
    if scale != 1 or zero != 0:
        return pa.float64(), _scaled(scale, zero, null)
    native = np.dtype(_DTYPES[letter]).newbyteorder("=")
    return pa.from_numpy_dtype(native), _plain(native, null)


def _logical(values: NDArray[Any]) -> pa.Array:
    return pa.array(values == ord("T"), mask=(values != ord("T")) & (values != ord("F")))


def _mask(values: NDArray[Any], null: int | None) -> NDArray[np.bool_] | None:
    return None if null is None else np.asarray(values == null)


def _plain(native: np.dtype[Any], null: int | None) -> Convert:
    return lambda values: pa.array(values.astype(native), mask=_mask(values, null))


def _scaled(scale: float, zero: float, null: int | None) -> Convert:
    return lambda values: pa.array(values.astype(np.float64) * scale + zero, mask=_mask(values, null))


def _turned(result: np.dtype[Any], null: int | None) -> Convert:
    """Return the convention for integers that FITS does not have: stored with the highest bit turned."""
    highest = np.dtype(f"u{result.itemsize}").type(1 << (8 * result.itemsize - 1))

    def turn(values: NDArray[Any]) -> pa.Array:
        bits = values.astype(values.dtype.newbyteorder("=")).view(highest.dtype)
        return pa.array((bits ^ highest).view(result), mask=_mask(values, null))

    return turn
