"""Arrow columns of any type as the few types that FITS and VOTable tables hold."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from app.storage.json_text import hexadecimal, is_bytes, lists_as_json, nested_literals

_WIDER: Mapping[pa.DataType, pa.DataType] = {
    pa.int8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.float16(): pa.float32(),
    pa.null(): pa.string(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
}
_KEPT = frozenset({pa.bool_(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string()})


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that values of a type are written as: truth value, integer, floating point number or text."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return pa.float64()
    if kind in _KEPT:
        return kind
    return _WIDER.get(kind, pa.string())


def plain(values: pa.Array) -> pa.Array:
    """Return a column as values of its plain type; lists and structures become JSON, bytes hexadecimal digits."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return plain(values.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return lists_as_json(values).cast(pa.string())
    if pa.types.is_nested(kind):
        return nested_literals(values).cast(pa.string())
    if is_bytes(kind):
        return hexadecimal(values)
    return values.cast(plain_type(kind))


def is_ascii(values: pa.Array) -> bool:
    """Tell whether texts hold nothing but ASCII."""
    return not pc.any(pc.invert(pc.string_is_ascii(values))).as_py()
