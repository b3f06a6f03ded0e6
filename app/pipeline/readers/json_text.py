"""Nested values as JSON text, without a Python loop over rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def lists_as_json(lists: pa.Array) -> pa.Array:
    """Return lists of numbers or plain texts as JSON arrays; what is missing or not finite becomes null."""
    if pa.types.is_fixed_size_list(lists.type):
        lists = lists.cast(pa.large_list(lists.type.value_type))
    items = _literals(lists.values)
    joined = pc.binary_join(pa.LargeListArray.from_arrays(lists.offsets.cast(pa.int64()), items), ",")
    return pc.if_else(lists.is_valid(), pc.binary_join_element_wise("[", joined, "]", ""), None).cast(pa.string())


def _literals(values: pa.Array) -> pa.Array:
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type):
        return lists_as_json(values).fill_null("null")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return text_literals(values)
    return number_literals(values)


def number_literals(values: pa.Array) -> pa.Array:
    """Return numbers or truth values as JSON; NaN and infinities become null."""
    texts = values.cast(pa.string())
    if pa.types.is_floating(values.type):
        texts = pc.if_else(pc.is_finite(values), texts, None)
    return texts.fill_null("null")


def text_literals(values: pa.Array) -> pa.Array:
    """Return texts as JSON strings, null as null."""
    texts = values.cast(pa.string())
    if pc.any(pc.match_substring_regex(texts, r'[\\"\x00-\x1f]')).as_py():
        texts = pc.replace_substring(texts, "\\", "\\\\")
        texts = pc.replace_substring(texts, '"', '\\"')
        for code in range(32):
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return pc.binary_join_element_wise('"', texts, '"', "").fill_null("null")
