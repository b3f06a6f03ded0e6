"""Lists of identifiers as users send them: JSON, or a file with one a line."""

from __future__ import annotations

import csv
import json

from app.domain.errors import ParameterError, TooLargeError

MOST_IDS = 10_000

_PARAMETER = "ids"
_HEADINGS = frozenset(
    {"id", "ids", "identifier", "name", "star", "star_id", "source_id", "gaia_id", "gaia_dr3_source_id", "object_id"}
)


def parse_ids(text: str, *, as_json: bool) -> list[str]:
    """Return the identifiers of a list in its order.

    Args:
        text: a JSON array of texts (and whole numbers), or lines of one value; the first may be the column's name.
        as_json: that it is the first of these; a text that begins with `[` is, too.

    Raises:
        ParameterError: it is neither.
        TooLargeError: it has more than 10,000 identifiers.
    """
    ids = _from_json(text) if as_json or text.lstrip().startswith("[") else _from_lines(text)
    if len(ids) > MOST_IDS:
        raise TooLargeError(_PARAMETER, f"a list may hold {MOST_IDS:,} identifiers at most, got {len(ids):,}")
    return ids


def _from_json(text: str) -> list[str]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParameterError(_PARAMETER, f"must be a JSON array of identifiers, but it is no JSON: {error}") from error
    if not isinstance(items, list):
        raise ParameterError(_PARAMETER, 'must be a JSON array of identifiers such as ["sos:42", "sos:43"]')
    for place, item in enumerate(items):
        if type(item) not in {str, int}:
            raise ParameterError(_PARAMETER, f"item {place} must be a text such as 'sos:42', got {item!r:.40}")
        if not str(item).isprintable():
            raise ParameterError(_PARAMETER, f"item {place} holds characters that no identifier has: {item!a:.40}")
    return [str(item) for item in items]


def _from_lines(text: str) -> list[str]:
    ids: list[str] = []
    try:
        for line, values in enumerate(csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True), start=1):
            if len(values) > 1:
                raise ParameterError(_PARAMETER, f"line {line} has {len(values)} columns; a list has one")
            ids += [value.strip() for value in values if value.strip()]
            if not "".join(values).isprintable():
                raise ParameterError(_PARAMETER, f"line {line} holds characters that no identifier has")
    except csv.Error as error:
        raise ParameterError(_PARAMETER, f"must be lines of one identifier each: {error}") from error
    return ids[1:] if ids and ids[0].lower() in _HEADINGS else ids
