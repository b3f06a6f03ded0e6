"""VOTable's BINARY2 made from what PostgreSQL's binary COPY sends, by one compiled loop over the rows.

Both are big-endian. COPY: per field a length (-1 for NULL) and the bytes; BINARY2: per row one bit a field that says
what is null (VOTable 1.4, section 5.4), then the fields, texts and polygons with their length before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from app.domain.fields import Datatype, Field
from app.storage.binary_copy import Bytes, Tuples

_WIDTHS = {
    Datatype.BOOLEAN: 1,
    Datatype.SHORT: 2,
    Datatype.INT: 4,
    Datatype.LONG: 8,
    Datatype.FLOAT: 4,
    Datatype.DOUBLE: 8,
    Datatype.TEXT: 0,
    Datatype.UNICODE: 0,
}
_PLAIN, _FLOATING, _LOGICAL, _TEXT, _UNICODE, _NUMBERS = range(6)
_UNITS = np.array([1, 1, 1, 1, 2, 8])  # bytes of what a length counts: characters, or doubles
_KINDS = {Datatype.BOOLEAN: _LOGICAL, Datatype.FLOAT: _FLOATING, Datatype.DOUBLE: _FLOATING, Datatype.TEXT: _TEXT}
_KINDS |= {Datatype.UNICODE: _UNICODE}


def encode(fields: Sequence[Field], rows: Tuples) -> Bytes:
    """Return rows in BINARY2."""
    kinds = np.array([_kind(one) for one in fields], np.int64)
    widths = np.array([_width(one) for one in fields], np.int64)
    for place in np.flatnonzero(kinds == _UNICODE):
        rows = _in_utf16(rows, int(place))
    flags = (len(fields) + 7) // 8
    sizes = np.full(rows.positions.shape[1], flags + widths.sum(), np.int64)
    for place in np.flatnonzero(kinds >= _TEXT):
        sizes += 4 + np.maximum(rows.lengths[place], 0)
    ends = np.cumsum(sizes)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    _fill(out, ends - sizes, rows.buffer, rows.positions, rows.lengths, kinds, widths, flags)
    return out


def _in_utf16(rows: Tuples, place: int) -> Tuples:
    """Return rows one of whose texts stands in UTF-16, as VOTable's unicodeChar has it, behind all others."""
    data, offsets = rows.text(place)
    content = data.tobytes()
    texts = [content[a:b].decode().encode("utf-16-be") for a, b in pairwise(offsets.tolist())]
    sizes = np.array([len(text) for text in texts], np.int32)
    positions, lengths = rows.positions.copy(), rows.lengths.copy()
    positions[place] = len(rows.buffer) + np.cumsum(sizes) - sizes
    lengths[place] = np.where(rows.valid(place), sizes, -1)
    return Tuples(np.concatenate([rows.buffer, np.frombuffer(b"".join(texts), np.uint8)]), positions, lengths)


def _kind(column: Field) -> int:
    if column.is_shape:
        return _NUMBERS if column.arraysize == "*" else _FLOATING
    return _KINDS.get(_datatype(column), _PLAIN)


def _width(column: Field) -> int:
    """Return the bytes of a value, 0 where its length stands before it."""
    if column.is_shape:
        return 0 if column.arraysize == "*" else 8 * int(column.arraysize or 1)
    return _WIDTHS[_datatype(column)]


def _datatype(column: Field) -> Datatype:
    assert column.datatype is not None, "the columns of an answer have types"
    return column.datatype


@numba.njit(cache=True, nogil=True)
def _fill(
    out: Bytes,
    starts: NDArray[np.int64],
    buffer: Bytes,
    positions: NDArray[np.int64],
    lengths: NDArray[np.int32],
    kinds: NDArray[np.int64],
    widths: NDArray[np.int64],
    flags: int,
) -> None:
    fields, rows = positions.shape
    for row in range(rows):
        at = starts[row] + flags
        for field in range(fields):
            length = lengths[field, row]
            if length < 0:
                out[starts[row] + field // 8] |= 0x80 >> (field % 8)
            source = positions[field, row]
            if kinds[field] >= _TEXT:
                at = _put_text(out, at, buffer, source, max(length, 0), _UNITS[kinds[field]])
            elif length > 0:
                at = _put_value(out, at, buffer, source, length, kinds[field] == _LOGICAL)
            else:
                at = _put_null(out, at, widths[field], kinds[field])


@numba.njit(cache=True, nogil=True)
def _put_text(out: Bytes, at: int, buffer: Bytes, source: int, size: int, unit: int) -> int:
    """Write a text after its length in units; those of several bytes as they are, of one byte only ASCII."""
    count = size // unit
    for i in range(4):
        out[at + i] = (count >> (24 - 8 * i)) & 0xFF
    for i in range(size):
        byte = buffer[source + i]
        out[at + 4 + i] = byte if unit > 1 or byte < 0x80 else 0x3F
    return at + 4 + size


@numba.njit(cache=True, nogil=True)
def _put_value(out: Bytes, at: int, buffer: Bytes, source: int, width: int, logical: bool) -> int:
    for i in range(width):
        out[at + i] = buffer[source + i]
    if logical:
        out[at] = 0x54 if buffer[source] else 0x46
    return at + width


@numba.njit(cache=True, nogil=True)
def _put_null(out: Bytes, at: int, width: int, kind: int) -> int:
    """Write what stands where nothing is: `?`, NaN or zero."""
    if kind == _LOGICAL:
        out[at] = 0x3F
    elif kind == _FLOATING:
        for number in range(at, at + width, min(width, 8)):
            out[number] = 0x7F
            out[number + 1] = 0xC0 if width == 4 else 0xF8
    return at + width
