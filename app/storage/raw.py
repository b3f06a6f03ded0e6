"""Survey rows as published: `raw.<survey>` with every original column, under the number of its measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from app.domain.column_facts import ColumnFacts
from app.domain.errors import TableError
from app.storage import column_comments
from app.storage.bulk import copy_in, copy_out
from app.storage.engine import driver_connection
from app.storage.json_text import lists_as_json
from app.storage.queries import queries
from app.storage.statements import composed, identifier

OUR_COLUMNS = ("measurement_id", "ingestion_id", "row_number")
# PostgreSQL's own limits, less what we add.
_MOST_COLUMNS = 1_500
_NAME_BYTES = 63

_TYPES = {
    pa.bool_(): "boolean",
    pa.int8(): "smallint",
    pa.uint8(): "smallint",
    pa.int16(): "smallint",
    pa.uint16(): "integer",
    pa.int32(): "integer",
    pa.uint32(): "bigint",
    pa.int64(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
}
_ARROW = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "text": pa.large_string(),
}
_WHOLE = ("smallint", "integer", "bigint")
_FLOATING = ("real", "double precision")


@dataclass(frozen=True)
class RawTable:
    """A survey's raw table: its columns and types by the file's column names; a new one has no key yet."""

    table: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    new: bool


def table_name(survey: str) -> str:
    """Return the name of a survey's raw table."""
    return f"raw.{survey}"


def column_names(file: str, names: Sequence[str]) -> dict[str, str]:
    """Return what original columns are called in the raw table: the same, where PostgreSQL can and we do not.

    Raises:
        TableError: there are more columns than a table takes.
    """
    if len(names) > _MOST_COLUMNS:
        raise TableError(file, f"has {len(names)} columns; at most {_MOST_COLUMNS} can be kept")
    found = {name: name for name in names if name not in OUR_COLUMNS and len(name.encode()) <= _NAME_BYTES}
    taken = set(found)
    for name in names:
        if name not in found:
            stem = name.encode()[: _NAME_BYTES - 5].decode("utf-8", "ignore")
            found[name] = next(one for n in count(1) if (one := f"{stem}_{n}") not in taken)
            taken.add(found[name])
    return found


def ensure(connection: Connection, survey: str, schema: pa.Schema, *, file: str) -> RawTable:
    """Return a survey's raw table with room for every column of a file: made, added to or widened as needed.

    Raises:
        TableError: there are more columns than a table takes.
    """
    table = table_name(survey)
    existing = _existing(connection, survey)
    if not existing:
        _execute(connection, "create", table)
    columns = column_names(file, schema.names)
    wanted = {columns[name]: _type_of(schema.field(name).type) for name in schema.names}
    missing = {name: kind for name, kind in wanted.items() if name not in existing}
    if missing:
        _execute(connection, "add_columns", table, additions=_additions(missing))
    kept = {
        name: _widened(connection, table, name, existing[name], kind)
        for name, kind in wanted.items()
        if name in existing
    }
    return RawTable(table, columns, {**missing, **kept}, new=not existing)


def describe(connection: Connection, raw: RawTable, facts: Mapping[str, ColumnFacts]) -> None:
    """Keep what a file says about its columns, by the file's names."""
    column_comments.add(connection, raw.table, {raw.columns[name]: said for name, said in facts.items()})


def append(
    connection: Connection,
    raw: RawTable,
    ingestion_id: int,
    batch: pa.RecordBatch,
    *,
    numbers: NDArray[np.int64],
    row_numbers: NDArray[np.int64],
) -> None:
    """Add the original rows (n,) of measurements."""
    values: dict[str, Any] = {
        "measurement_id": numbers,
        "ingestion_id": np.full(len(numbers), ingestion_id, np.int32),
        "row_number": row_numbers,
    }
    for name, column in raw.columns.items():
        values[column] = _as_type(batch.column(batch.schema.get_field_index(name)), raw.types[column])
    copy_in(connection, raw.table, values, freeze=raw.new)


def close(connection: Connection, raw: RawTable) -> None:
    """Give a new table its key, and gather statistics."""
    if raw.new:
        _execute(connection, "add_key", raw.table)
    _execute(connection, "analyze", raw.table)


def rows_as_json(connection: Connection, survey: str, numbers: NDArray[np.int64]) -> dict[int, str]:
    """Return the original values of some rows as JSON, by measurement number."""
    query = composed("raw", "rows_as_json", table=identifier(table_name(survey)))
    found = copy_out(connection, query.as_string(), {"numbers": numbers.tolist()})
    return dict(zip(found["measurement_id"].tolist(), found["original"], strict=True))


def delete_rows(connection: Connection, survey: str, numbers: NDArray[np.int64]) -> None:
    """Delete rows by measurement number."""
    _execute(connection, "delete_rows", table_name(survey), {"numbers": numbers.tolist()})


def delete_ingestions(connection: Connection, survey: str, ingestion_ids: Sequence[int]) -> None:
    """Delete all rows of some files."""
    if _existing(connection, survey):
        _execute(connection, "delete_ingestions", table_name(survey), {"ingestion_ids": list(ingestion_ids)})


def _existing(connection: Connection, survey: str) -> dict[str, str]:
    quoted = identifier(table_name(survey)).as_string()
    rows = connection.exec_driver_sql(queries("raw")["columns"], {"table": quoted})
    return {row.name: row.type for row in rows}


def _type_of(kind: pa.DataType) -> str:
    return _TYPES.get(kind, "real" if pa.types.is_float16(kind) else "text")


def _additions(columns: Mapping[str, str]) -> sql.Composed:
    parts = [sql.SQL("ADD COLUMN {} {}").format(sql.Identifier(name), _type(kind)) for name, kind in columns.items()]
    return sql.SQL(", ").join(parts)


def _type(kind: str) -> sql.SQL:
    return sql.SQL(kind)


def _widened(connection: Connection, table: str, column: str, old: str, new: str) -> str:
    """Return the type that a column has after it was widened to hold values of the new type too."""
    wide = _common_type(old, new)
    if wide == "double precision" and "bigint" in {old, new} and old in _WHOLE and _is_large(connection, table, column):
        wide = "text"
    if wide != old:
        _execute(connection, "widen_column", table, column=sql.Identifier(column), type=_type(wide))
    return wide


def _common_type(old: str, new: str) -> str:
    for ladder in (_WHOLE, _FLOATING):
        if old in ladder and new in ladder:
            return max(old, new, key=ladder.index)
    if {old, new} <= {*_WHOLE, *_FLOATING}:
        return "double precision"
    return old if old == new else "text"


def _is_large(connection: Connection, table: str, column: str) -> bool:
    statement = composed("raw", "too_large", table=identifier(table), column=sql.Identifier(column))
    row = driver_connection(connection).execute(statement).fetchone()
    assert row is not None
    return bool(row[0])


def _as_type(values: pa.Array, wanted: str) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _as_type(values.dictionary_decode(), wanted)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return lists_as_json(values)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if one is None else str(one) for one in values.to_pylist()], pa.large_string())
    if wanted == "text" and pa.types.is_floating(kind):
        return pc.if_else(values.is_valid(), values.cast(pa.large_string()), pa.scalar(None, pa.large_string()))
    return values.cast(_ARROW[wanted])


def _execute(
    connection: Connection,
    name: str,
    table: str,
    parameters: Mapping[str, object] | None = None,
    **parts: sql.Composable,
) -> None:
    driver_connection(connection).execute(composed("raw", name, table=identifier(table), **parts), parameters)
