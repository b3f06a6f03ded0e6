"""Rows of VOTable BINARY and BINARY2: big-endian fields in sequence, arrays of varying size behind their count."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from itertools import pairwise

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.domain.errors import TableError
from app.pipeline.readers.table import ROWS_PER_BATCH
from app.pipeline.readers.votable_fields import Field
from app.storage.binary_copy import Tuples
from app.storage.json_text import lists_as_json

_BYTES = 8 << 20


class BinaryRows:
    """Base64 text, decoded piece by piece into columns."""

    def __init__(self, file: str, fields: list[Field], form: str) -> None:
        self.file, self.fields = file, fields
        self.mask_bytes = -(-len(fields) // 8) if form == "BINARY2" else 0
        self.items = np.array([field.item_bytes for field in fields], np.int64)
        self.sizes = np.array([-1 if field.size is None else _bytes(field, field.size) for field in fields], np.int64)
        self.text = b""
        self.data = bytearray()
        self.before = 0

    def take(self, event: object, rows: int) -> Iterator[list[pa.Array]]:
        """Add a piece of base64 and yield the columns of the whole rows that it completes."""
        assert isinstance(event, bytes)
        self.text += event.translate(None, b" \t\r\n")
        whole = len(self.text) // 4 * 4
        try:
            self.data += binascii.a2b_base64(self.text[:whole])
        except binascii.Error as error:
            raise TableError(self.file, f"its base64 is damaged: {error}", row=self.before + 1) from error
        self.text = self.text[whole:]
        if len(self.data) >= _BYTES:
            yield from self._columns(rows)

    def rest(self) -> Iterator[list[pa.Array]]:
        """Yield what is left at the end of the table.

        Raises:
            TableError: the last row is not whole.
        """
        yield from self._columns(ROWS_PER_BATCH)
        if self.data or self.text:
            raise TableError(self.file, "is truncated: it ends within this row", row=self.before + 1)

    def _columns(self, rows: int) -> Iterator[list[pa.Array]]:
        while self.data:
            buffer = np.frombuffer(bytes(self.data), np.uint8)
            positions = np.empty((len(self.fields), rows), np.int64)
            lengths = np.empty((len(self.fields), rows), np.int32)
            count, end = _locate(buffer, self.mask_bytes, self.sizes, self.items, positions, lengths)
            if count == 0:
                return
            tuples = Tuples(buffer, positions[:, :count], lengths[:, :count])
            columns = [self._column(tuples, i) for i in range(len(self.fields))]
            self.before += count
            del self.data[:end]
            yield columns

    def _column(self, tuples: Tuples, number: int) -> pa.Array:
        field, valid = self.fields[number], tuples.valid(number)
        kind = field.arrow_type()
        if pa.types.is_string(kind):
            return _texts(field, tuples, number, valid)
        values = tuples.fixed(number, field.dtype.newbyteorder("="))
        if field.datatype == "bit":
            return pa.array(values != 0, mask=~valid)
        if field.datatype == "boolean":
            codes = values.view(np.uint8)
            yes, no = np.isin(codes, list(b"Tt1")), np.isin(codes, list(b"Ff0"))
            return pa.array(yes, mask=~(yes | no) | ~valid)
        null = (values == np.array(field.null).astype(values.dtype)) if field.null is not None else np.False_
        return pa.array(values, mask=np.broadcast_to(~valid | null, valid.shape))


def _bytes(field: Field, elements: int) -> int:
    return -(-elements // 8) if field.datatype == "bit" else elements * field.item_bytes


def _texts(field: Field, tuples: Tuples, number: int, valid: NDArray[np.bool_]) -> pa.Array:
    data, offsets = tuples.text(number)
    if field.datatype == "char":
        return _characters(data, offsets, valid)
    if field.datatype == "unicodeChar":
        parts = [bytes(data[a:b]).decode("utf-16-be", "replace").split("\0", 1)[0] for a, b in _pairs(offsets)]
        return pa.array(parts, pa.string(), mask=~valid)
    values = data.view(field.dtype).astype(field.dtype.newbyteorder("="))
    if values.dtype.kind == "c":
        values = values.view(values.real.dtype)
    ends = offsets // (values.dtype.itemsize if field.datatype not in {"bit", "boolean"} else 1)
    lists = pa.LargeListArray.from_arrays(pa.array(ends), pa.array(values))
    return pa.array(np.where(valid, lists_as_json(lists).to_numpy(zero_copy_only=False), None), pa.string())


def _characters(data: NDArray[np.uint8], offsets: NDArray[np.int64], valid: NDArray[np.bool_]) -> pa.Array:
    """Return texts, each up to its first NUL; bytes that are no UTF-8 are taken as Latin-1."""
    buffers = [pa.array(valid).buffers()[1], pa.py_buffer(offsets), pa.py_buffer(data)]
    texts = pa.Array.from_buffers(pa.large_string(), len(valid), buffers)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        parts = [bytes(data[a:b]).decode("latin-1") for a, b in _pairs(offsets)]
        texts = pa.array(parts, pa.large_string(), mask=~valid)
    return pc.replace_substring_regex(texts, "(?s)\0.*", "").cast(pa.string())


def _pairs(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return pairwise(offsets.tolist())


@numba.njit(cache=True, nogil=True)
def _locate(
    buffer: NDArray[np.uint8],
    mask_bytes: int,
    sizes: NDArray[np.int64],
    items: NDArray[np.int64],
    positions: NDArray[np.int64],
    lengths: NDArray[np.int32],
) -> tuple[int, int]:
    """Find the fields of every whole row; return how many rows there are and where the last one ends."""
    fields, rows = positions.shape
    end = len(buffer)
    at = 0
    for row in range(rows):
        start = at
        at += mask_bytes
        for field in range(fields):
            if at + 4 > end and sizes[field] < 0:
                return row, start
            size = sizes[field]
            if size < 0:
                size = (
                    (np.int64(buffer[at]) << 24)
                    | (np.int64(buffer[at + 1]) << 16)
                    | (np.int64(buffer[at + 2]) << 8)
                    | np.int64(buffer[at + 3])
                ) * items[field]
                at += 4
            if at + size > end:
                return row, start
            null = mask_bytes > 0 and (buffer[start + field // 8] >> (7 - field % 8)) & 1
            positions[field, row] = at
            lengths[field, row] = -1 if null else size
            at += size
    return rows, at
