"""Lists and rows as JSON text, without a Python loop over rows."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc


def lists_as_json(lists: pa.Array) -> pa.Array:
    """Return lists of numbers or plain texts as JSON arrays; what is missing or not finite becomes null."""
    if pa.types.is_fixed_size_list(lists.type):
        lists = lists.cast(pa.large_list(lists.type.value_type))
    items = _literals(lists.values)
    grouped = pa.LargeListArray.from_arrays(lists.offsets.cast(pa.int64()), items)
    joined = pc.binary_join(grouped, pa.scalar(",", items.type))
    whole = pc.binary_join_element_wise("[", joined.cast(pa.string()), "]", "")
    return pc.if_else(lists.is_valid(), whole, pa.scalar(None, pa.string()))


def rows_as_json(batch: pa.RecordBatch) -> pa.Array:
    """Return every row as a JSON object of its columns."""
    parts: list[Any] = []
    for number, name in enumerate(batch.schema.names):
        opening = "{" if number == 0 else ", "
        parts += [f"{opening}{json.dumps(name)}: ", _literals(batch.column(number))]
    if not parts:
        return pa.array(["{}"] * batch.num_rows, pa.large_string())
    scalars = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    end, nothing = pa.scalar("}", pa.large_string()), pa.scalar("", pa.large_string())
    return pc.binary_join_element_wise(*scalars, end, nothing)


def _literals(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _literals(values.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return lists_as_json(values).fill_null("null").cast(pa.large_string())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return number_literals(values)
    if is_bytes(kind):
        return text_literals(hexadecimal(values))
    if pa.types.is_nested(kind):
        return nested_literals(values).fill_null("null")
    return text_literals(values)


def is_bytes(kind: pa.DataType) -> bool:
    """Tell whether values of a type are bytes."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(is_one(kind) for is_one in kinds)


def hexadecimal(values: pa.Array) -> pa.Array:
    """Return bytes as hexadecimal digits."""
    return pa.array([None if value is None else value.hex() for value in values.to_pylist()], pa.string())


def nested_literals(values: pa.Array) -> pa.Array:
    """Return structures, and lists of any kind, as JSON; null stays null."""
    texts = (None if value is None else orjson.dumps(value, _simpler).decode() for value in values.to_pylist())
    return pa.array(texts, pa.large_string())


def _simpler(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def number_literals(values: pa.Array) -> pa.Array:
    """Return numbers or truth values as JSON; NaN and infinities become null."""
    texts = values.cast(pa.large_string())
    if pa.types.is_floating(values.type):
        texts = pc.if_else(pc.is_finite(values), texts, None)
    return texts.fill_null("null")


def text_literals(values: pa.Array) -> pa.Array:
    """Return texts as JSON strings, null as null."""
    texts = values.cast(pa.large_string())
    if pc.any(pc.match_substring_regex(texts, r'[\\"\x00-\x1f]')).as_py():
        texts = pc.replace_substring(texts, "\\", "\\\\")
        texts = pc.replace_substring(texts, '"', '\\"')
        for code in range(32):
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    quote, nothing = pa.scalar('"', pa.large_string()), pa.scalar("", pa.large_string())
    return pc.binary_join_element_wise(quote, texts, quote, nothing).fill_null("null")
