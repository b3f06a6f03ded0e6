"""Named SQL: each file holds queries headed by `-- name --` and one sentence that says what it returns."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- ([a-z0-9_]+) --$", re.MULTILINE)


@cache
def queries(noun: str) -> dict[str, str]:
    """Return the queries of `<noun>.sql` by name; parameters are written `%(name)s`."""
    text = (files(__package__) / f"{noun}.sql").read_text(encoding="utf-8")
    pieces = _HEADING.split(text)
    return {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
