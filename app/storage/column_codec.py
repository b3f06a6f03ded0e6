"""One codec per PostgreSQL type: a column of values to COPY fields and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.storage.binary_copy import Field, TextField, Tuples, fixed_field

# PostgreSQL counts time from here.
_EPOCH = np.datetime64("2000-01-01", "us")
_JSONB_VERSION = "\x01"


@dataclass(frozen=True)
class Codec:
    """How a PostgreSQL type travels: its name, numpy type on the wire, and what NULL becomes in an array."""

    name: str
    dtype: np.dtype[Any]
    null: Any = 0

    def decode(self, tuples: Tuples, field: int) -> NDArray[Any]:
        """Return a field of every tuple as an array."""
        if self.name in {"text", "jsonb"}:
            return _decode_text(tuples, field, skip=self.name == "jsonb")
        values = tuples.fixed(field, self.dtype)
        if self.name == "timestamp":
            values = _EPOCH + values.astype("timedelta64[us]")
        missing = ~tuples.valid(field)
        if missing.any():
            values[missing] = self.null
        return values


_TEXT = Codec("text", np.dtype(object))
_TIMESTAMP = Codec("timestamp", np.dtype(np.int64), np.datetime64("NaT"))
_CODECS = {
    16: Codec("bool", np.dtype(np.bool_), False),
    18: _TEXT,
    19: _TEXT,
    20: Codec("integer", np.dtype(np.int64)),
    21: Codec("integer", np.dtype(np.int16)),
    23: Codec("integer", np.dtype(np.int32)),
    25: _TEXT,
    114: _TEXT,
    700: Codec("float", np.dtype(np.float32), np.nan),
    701: Codec("float", np.dtype(np.float64), np.nan),
    1042: _TEXT,
    1043: _TEXT,
    1114: _TIMESTAMP,
    1184: _TIMESTAMP,
    3802: Codec("jsonb", np.dtype(object)),
}


def codec(oid: int, column: str = "?") -> Codec:
    """Return the codec of a PostgreSQL type.

    Raises:
        TypeError: no array holds this type (numeric, for one).
    """
    if oid not in _CODECS:
        raise TypeError(f"column {column} has PostgreSQL type {oid}, which COPY into arrays does not know: cast it")
    return _CODECS[oid]


def encode_column(name: str, codec: Codec, values: NDArray[Any] | pa.Array, *, keep_nan: bool) -> Field:
    """Return values as COPY fields of the column's type.

    Raises:
        TypeError: the values are of another kind.
        ValueError: a value does not fit.
    """
    if codec.name in {"text", "jsonb"}:
        return _encode_text(name, values, prefix=_JSONB_VERSION if codec.name == "jsonb" else "")
    plain, valid = _numbers(name, values)
    if codec.name == "timestamp":
        return _encode_time(name, plain, valid)
    return fixed_field(*_convert(name, codec, plain, valid, keep_nan=keep_nan))


def _numbers(name: str, values: NDArray[Any] | pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return plain numbers and which of them are not missing."""
    if isinstance(values, pa.Array):
        if pa.types.is_null(values.type):
            return np.zeros(len(values), np.int8), np.zeros(len(values), np.bool_)
        valid = np.asarray(values.is_valid())
        return np.asarray(values.fill_null(_zero(values.type)) if values.null_count else values), valid
    valid = ~np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else np.ones(len(values), np.bool_)
    plain = np.ma.getdata(values)
    if plain.dtype == object:
        raise TypeError(f"column {name} holds Python objects where numbers are needed")
    return plain, valid


def _zero(kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(0, pa.int64()).cast(kind)


def _convert(
    name: str, codec: Codec, values: NDArray[Any], valid: NDArray[np.bool_], *, keep_nan: bool
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    kind = values.dtype.kind
    allowed = {"bool": "b", "integer": "iu", "float": "fiu"}[codec.name]
    if kind not in allowed and valid.any():
        raise TypeError(f"column {name} takes {codec.name} values, got {values.dtype}")
    if kind == "f" and not keep_nan:
        valid = valid & ~np.isnan(values)
    if codec.name == "integer" and values.dtype != codec.dtype:
        _check_range(name, codec, values[valid])
    with np.errstate(all="ignore"):
        return values.astype(codec.dtype, copy=False), valid


def _check_range(name: str, codec: Codec, values: NDArray[Any]) -> None:
    limits = np.iinfo(codec.dtype)
    if values.size and (int(values.min()) < limits.min or int(values.max()) > limits.max):
        raise ValueError(f"column {name} takes integers from {limits.min} to {limits.max}")


def _encode_time(name: str, values: NDArray[Any], valid: NDArray[np.bool_]) -> Field:
    if values.dtype.kind != "M":
        raise TypeError(f"column {name} takes times, got {values.dtype}")
    valid = valid & ~np.isnat(values)
    since = (values.astype("datetime64[us]") - _EPOCH).astype(np.int64)
    return fixed_field(since, valid)


def _encode_text(name: str, values: NDArray[Any] | pa.Array, *, prefix: str) -> TextField:
    text = _as_text(name, values)
    if prefix:
        text = pc.binary_join_element_wise(pa.scalar(prefix, pa.large_string()), text, pa.scalar("", pa.large_string()))
    valid = np.asarray(text.is_valid())
    _, offsets_buffer, data_buffer = text.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[text.offset : text.offset + len(text) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    return TextField(data, offsets, valid)


def _as_text(name: str, values: NDArray[Any] | pa.Array) -> pa.Array:
    if not isinstance(values, pa.Array):
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8")
        if values.dtype.kind not in "OUT":
            raise TypeError(f"column {name} takes text, got {values.dtype}")
        mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
        plain = np.ma.getdata(values)
        return pa.array(plain.astype(object) if plain.dtype.kind != "O" else plain, pa.large_string(), mask=mask)
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise TypeError(f"column {name} takes text, got {values.type}")
    return values.cast(pa.large_string())


def _decode_text(tuples: Tuples, field: int, *, skip: bool) -> NDArray[Any]:
    data, offsets = tuples.text(field)
    valid = tuples.valid(field)
    bitmap = pa.array(valid).buffers()[1]
    text = pa.Array.from_buffers(pa.large_string(), len(valid), [bitmap, pa.py_buffer(offsets), pa.py_buffer(data)])
    if skip:
        text = pc.utf8_slice_codeunits(text, 1)
    return np.asarray(text.to_numpy(zero_copy_only=False), dtype=object)
