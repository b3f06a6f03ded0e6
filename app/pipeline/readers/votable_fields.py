"""Columns of a VOTable: datatype, size, unit and null value, and their cells as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.domain.errors import TableError

_NUMPY = {
    "unsignedByte": "u1",
    "short": ">i2",
    "int": ">i4",
    "long": ">i8",
    "float": ">f4",
    "double": ">f8",
    "floatComplex": ">c8",
    "doubleComplex": ">c16",
}
_BYTES = {"boolean": 1, "bit": 1, "char": 1, "unicodeChar": 2}
_TRUE = ("T", "t", "1", "true", "True", "TRUE")
_FALSE = ("F", "f", "0", "false", "False", "FALSE")


@dataclass(frozen=True)
class Field:
    """A column; `size` is the number of elements in a cell, None where it varies."""

    name: str
    datatype: str
    size: int | None
    is_array: bool
    unit: str | None
    ucd: str | None = None
    null: str | None = None
    description: str | None = None

    @classmethod
    def parse(cls, file: str, attributes: Mapping[str, str]) -> Field:
        """Return the column that a FIELD element describes.

        Raises:
            TableError: its datatype is unknown.
        """
        name = attributes.get("name") or attributes.get("ID") or ""
        datatype = attributes.get("datatype", "")
        if datatype not in _NUMPY and datatype not in _BYTES:
            raise TableError(file, f"has the unknown datatype {datatype!r}", column=name)
        arraysize = attributes.get("arraysize", "")
        size = None if "*" in arraysize else int(np.prod([int(n) for n in re.findall(r"\d+", arraysize)] or [1]))
        return cls(name, datatype, size, arraysize not in {"", "1"}, attributes.get("unit"), attributes.get("ucd"))

    def with_null(self, null: str) -> Field:
        """Return the column with the value that means "no value"."""
        return replace(self, null=null)

    def with_description(self, description: str) -> Field:
        """Return the column with what is said about it."""
        return replace(self, description=description)

    @property
    def is_text(self) -> bool:
        """Whether cells hold characters."""
        return self.datatype in {"char", "unicodeChar"}

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The numpy type of one element as BINARY and BINARY2 store it."""
        return np.dtype(_NUMPY[self.datatype]) if self.datatype in _NUMPY else np.dtype("u1")

    @property
    def item_bytes(self) -> int:
        """The bytes of one element in BINARY and BINARY2."""
        return _BYTES.get(self.datatype) or self.dtype.itemsize

    def arrow_type(self) -> pa.DataType:
        """Return the Arrow type of the column; arrays are kept as JSON text."""
        if self.is_text or self.is_array or self.datatype in {"floatComplex", "doubleComplex"}:
            return pa.string()
        if self.datatype in {"boolean", "bit"}:
            return pa.bool_()
        return pa.from_numpy_dtype(self.dtype.newbyteorder("="))


def from_texts(file: str, field: Field, cells: Sequence[str | None], *, first_row: int) -> pa.Array:
    """Return the cells of a TABLEDATA column.

    Raises:
        TableError: a cell is not of the column's datatype, with its row.
    """
    texts = pa.array(cells, pa.string())
    kind = field.arrow_type()
    if pa.types.is_string(kind):
        return texts if not field.is_array or field.is_text else _as_json(texts)
    texts = pc.utf8_trim_whitespace(texts)
    nothing = pc.is_in(texts, pa.array(["", field.null or ""]))
    texts = pc.if_else(nothing, None, texts)
    if pa.types.is_boolean(kind):
        return _truth(texts)
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid as error:
        row = first_row + _first_unfit(texts, kind)
        raise TableError(
            file, f"{texts[row - first_row]} is no {field.datatype}", row=row, column=field.name
        ) from error


def _first_unfit(texts: pa.Array, kind: pa.DataType) -> int:
    """Return the first place whose text cannot be cast, by bisection."""
    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            texts[low:middle].cast(kind)
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _truth(texts: pa.Array) -> pa.Array:
    yes = pc.is_in(texts, pa.array(_TRUE))
    return pc.if_else(pc.or_(yes, pc.is_in(texts, pa.array(_FALSE))), yes, None)


def _as_json(texts: pa.Array) -> pa.Array:
    items = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+", ",")
    joined = pc.binary_join_element_wise("[", items, "]", "")
    return pc.if_else(pc.equal(items, ""), None, joined)
