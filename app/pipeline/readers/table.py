"""A table that is read in pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from app.domain.errors import TableError

ROWS_PER_BATCH = 100_000
BYTES_PER_BATCH = 32 << 20


@dataclass(frozen=True)
class SurveyTable:
    """A table in a file: its columns with their types and units, and its rows in batches.

    `rows` is the number of rows where it is known before reading. A column's unit, UCD and description, as the file
    spells them, are in the metadata of its field.
    """

    file: str
    format: str
    schema: pa.Schema
    rows: int | None
    read: Callable[[int], Iterator[pa.RecordBatch]]

    def __post_init__(self) -> None:
        unique_names(self.file, self.schema.names)

    def batches(self, rows: int = ROWS_PER_BATCH) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most about `rows` at a time.

        Raises:
            TableError: the file ends early or holds something else than its header says.
        """
        return self.read(rows)


def rows_within(row_bytes: float, rows: int) -> int:
    """Return how many rows to take at a time: no more than asked for, and fewer where they are wide."""
    return max(1, min(rows, int(BYTES_PER_BATCH / max(row_bytes, 1))))


def make_field(
    name: str, kind: pa.DataType, unit: str | None = None, ucd: str | None = None, description: str | None = None
) -> pa.Field:
    """Return a column as the file describes it; what it says goes into the metadata."""
    given = {"unit": (unit or "").strip(), "ucd": (ucd or "").strip(), "description": (description or "").strip()}
    return pa.field(name, kind, metadata={key: text for key, text in given.items() if text} or None)


def unit_of(field: pa.Field) -> str | None:
    """Return the unit that the file gives for a column, None where it gives none."""
    return _given(field, b"unit")


def ucd_of(field: pa.Field) -> str | None:
    """Return the UCD that the file gives for a column, None where it gives none."""
    return _given(field, b"ucd")


def description_of(field: pa.Field) -> str | None:
    """Return what the file says about a column, on one line; None where it says nothing."""
    return " ".join((_given(field, b"description") or "").split()) or None


def _given(field: pa.Field, key: bytes) -> str | None:
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    text = metadata.get(key)
    return text.decode("utf-8", "replace") if text else None


def unique_names(file: str, names: Sequence[str]) -> Sequence[str]:
    """Return the names of columns as they are.

    Raises:
        TableError: two columns have the same one.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TableError(file, f"more than one column is called {twice[0]!r}; column names must differ")
    return names
