"""PostgreSQL's binary COPY format, encoded from and decoded into columns by compiled loops.

A row is its number of fields (int16), then per field a length (int32, -1 for NULL) and that many bytes, all big-endian
(PostgreSQL manual, "COPY", section "Binary Format"). Fields of a column are kept apart as bytes plus validity, so one
loop per column places them at the moving end of every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class FixedField:
    """A column whose values have one width: `data` (n, width) big-endian bytes, `valid` (n)."""

    data: Bytes
    valid: Mask

    def sizes(self) -> Places:
        """Return the bytes that each row's field takes, its length word included."""
        return np.where(self.valid, 4 + self.data.shape[1], 4)

    def put(self, out: Bytes, cursor: Places) -> None:
        """Write every row's field at its cursor and move the cursor behind it."""
        _put_fixed(out, cursor, self.data, self.valid)


@dataclass(frozen=True)
class TextField:
    """A column of varying length: row i is `data[offsets[i]:offsets[i + 1]]` (UTF-8)."""

    data: Bytes
    offsets: Places
    valid: Mask

    def sizes(self) -> Places:
        """Return the bytes that each row's field takes, its length word included."""
        return np.where(self.valid, 4 + np.diff(self.offsets), 4)

    def put(self, out: Bytes, cursor: Places) -> None:
        """Write every row's field at its cursor and move the cursor behind it."""
        _put_text(out, cursor, self.data, self.offsets, self.valid)


Field = FixedField | TextField


def fixed_field(values: NDArray[np.generic], valid: Mask) -> FixedField:
    """Return a column of numbers as big-endian bytes."""
    swapped = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">"), copy=False))
    return FixedField(swapped.view(np.uint8).reshape(len(values), values.dtype.itemsize), valid)


def encode(fields: Sequence[Field]) -> Bytes:
    """Return the rows of equally long columns as COPY tuples, without header and trailer."""
    sizes = sum((field.sizes() for field in fields), np.int64(2))
    cursor = np.cumsum(sizes) - sizes
    out = np.empty(int(sizes.sum()), np.uint8)
    _put_count(out, cursor, len(fields))
    for field in fields:
        field.put(out, cursor)
    return out


@dataclass(frozen=True)
class Tuples:
    """COPY tuples and where their fields lie: `positions` and `lengths` are (fields, rows)."""

    buffer: Bytes
    positions: Places
    lengths: NDArray[np.int32]

    def valid(self, field: int) -> Mask:
        """Tell which rows of a field are not NULL."""
        return np.asarray(self.lengths[field] >= 0)

    def fixed(self, field: int, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
        """Return a field of one width as native numbers; NULL becomes zero."""
        out = np.zeros((self.positions.shape[1], dtype.itemsize), np.uint8)
        _take_fixed(self.buffer, self.positions[field], self.lengths[field], out)
        return out.view(dtype.newbyteorder(">")).reshape(-1).astype(dtype)

    def text(self, field: int) -> tuple[Bytes, Places]:
        """Return a text field as joined bytes and the n + 1 offsets of its rows."""
        offsets = np.zeros(self.positions.shape[1] + 1, np.int64)
        np.cumsum(np.maximum(self.lengths[field], 0), out=offsets[1:])
        data = np.empty(int(offsets[-1]), np.uint8)
        _take_text(self.buffer, self.positions[field], offsets, data)
        return data, offsets


def locate(buffer: Bytes, rows: int, fields: int) -> Tuples:
    """Find every field of `rows` tuples that begin at the start of the buffer.

    Raises:
        ValueError: a tuple has another number of fields, or the buffer ends too early.
    """
    positions = np.empty((fields, rows), np.int64)
    lengths = np.empty((fields, rows), np.int32)
    if not _locate(buffer, positions, lengths):
        raise ValueError(f"the server's COPY data do not hold {rows} rows of {fields} fields")
    return Tuples(buffer, positions, lengths)


@numba.njit(cache=True, nogil=True)
def _put_word(out: Bytes, at: int, value: int) -> None:
    out[at] = (value >> 24) & 0xFF
    out[at + 1] = (value >> 16) & 0xFF
    out[at + 2] = (value >> 8) & 0xFF
    out[at + 3] = value & 0xFF


@numba.njit(cache=True, nogil=True)
def _put_count(out: Bytes, cursor: Places, fields: int) -> None:
    for row in range(len(cursor)):
        at = cursor[row]
        out[at] = fields >> 8
        out[at + 1] = fields & 0xFF
        cursor[row] = at + 2


@numba.njit(cache=True, nogil=True)
def _put_fixed(out: Bytes, cursor: Places, data: Bytes, valid: Mask) -> None:
    width = data.shape[1]
    for row in range(len(cursor)):
        at = cursor[row]
        if valid[row]:
            _put_word(out, at, width)
            for i in range(width):
                out[at + 4 + i] = data[row, i]
            cursor[row] = at + 4 + width
        else:
            _put_word(out, at, -1)
            cursor[row] = at + 4


@numba.njit(cache=True, nogil=True)
def _put_text(out: Bytes, cursor: Places, data: Bytes, offsets: Places, valid: Mask) -> None:
    for row in range(len(cursor)):
        at = cursor[row]
        if valid[row]:
            first = offsets[row]
            width = offsets[row + 1] - first
            _put_word(out, at, width)
            for i in range(width):
                out[at + 4 + i] = data[first + i]
            cursor[row] = at + 4 + width
        else:
            _put_word(out, at, -1)
            cursor[row] = at + 4


@numba.njit(cache=True, nogil=True)
def _locate(buffer: Bytes, positions: Places, lengths: NDArray[np.int32]) -> bool:
    fields, rows = positions.shape
    size = len(buffer)
    at = 0
    for row in range(rows):
        if at + 2 > size or ((buffer[at] << 8) | buffer[at + 1]) != fields:
            return False
        at += 2
        for field in range(fields):
            if at + 4 > size:
                return False
            word = (
                (np.int64(buffer[at]) << 24)
                | (np.int64(buffer[at + 1]) << 16)
                | (np.int64(buffer[at + 2]) << 8)
                | np.int64(buffer[at + 3])
            )
            at += 4
            positions[field, row] = at
            if word == 0xFFFFFFFF:
                lengths[field, row] = -1
            else:
                lengths[field, row] = word
                at += int(word)
    return at <= size


@numba.njit(cache=True, nogil=True)
def _take_fixed(buffer: Bytes, positions: Places, lengths: NDArray[np.int32], out: Bytes) -> None:
    width = out.shape[1]
    for row in range(len(positions)):
        if lengths[row] == width:
            at = positions[row]
            for i in range(width):
                out[row, i] = buffer[at + i]


@numba.njit(cache=True, nogil=True)
def _take_text(buffer: Bytes, positions: Places, offsets: Places, out: Bytes) -> None:
    for row in range(len(positions)):
        at = positions[row]
        first = offsets[row]
        for i in range(offsets[row + 1] - first):
            out[first + i] = buffer[at + i]
