"""ADQL asked of the service without HTTP: columns and rows as Python has them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from app.domain.fields import Datatype, Field, ServedTable
from app.services.queries import Queries, Tables
from app.storage.binary_copy import Tuples
from app.storage.user_queries import Upload
from app.vo.adql.translate import translate
from app.vo.tap_schema import with_schema

DTYPES = {
    Datatype.SHORT: np.dtype(np.int16),
    Datatype.INT: np.dtype(np.int32),
    Datatype.LONG: np.dtype(np.int64),
    Datatype.FLOAT: np.dtype(np.float32),
    Datatype.DOUBLE: np.dtype(np.float64),
    Datatype.BOOLEAN: np.dtype(np.bool_),
}


def ask(
    queries: Queries, text: str, *uploads: Upload, seconds: float = 30, limit: int | None = None
) -> tuple[tuple[Field, ...], list[dict[str, Any]]]:
    """Return the columns and rows of an answer."""

    def translated(tables: Tables) -> tuple[str, tuple[Field, ...]]:
        written = translate(text, with_schema(tables))
        return written.sql, written.fields

    with queries.answer(translated, uploads, limit=limit, seconds=seconds) as result:
        rows = [row for block in result.blocks for row in rows_of(result.fields, block)]
        return result.fields, rows


def rows_of(fields: tuple[Field, ...], block: Tuples) -> list[dict[str, Any]]:
    """Return the rows of a block; what is NULL is None."""
    columns = [_column(block, place, one) for place, one in enumerate(fields)]
    return [dict(zip([one.name for one in fields], row, strict=True)) for row in zip(*columns, strict=True)]


def _column(block: Tuples, place: int, column: Field) -> list[Any]:
    valid = block.valid(place)
    values: list[Any]
    if column.is_shape:
        data, offsets = block.text(place)
        values = [np.frombuffer(bytes(data[a:b]), ">f8").tolist() for a, b in pairwise(offsets)]
        return [value if ok else None for value, ok in zip(values, valid, strict=True)]
    if column.datatype.textual:
        data, offsets = block.text(place)
        values = [bytes(data[a:b]).decode() for a, b in pairwise(offsets)]
    else:
        values = block.fixed(place, DTYPES[column.datatype]).tolist()
    return [value if ok else None for value, ok in zip(values, valid, strict=True)]


def tables(version: int = 2) -> tuple[ServedTable, ...]:
    """Return the tables that queries may name."""
    from app.storage.served_tables import served_tables

    return with_schema(served_tables(version))
