"""Rows in and out of PostgreSQL as columns, through binary COPY on the caller's connection and transaction."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, TypeAlias

import numpy as np
import psycopg
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import pq, sql
from sqlalchemy import Connection

from app.storage import binary_copy, column_codec
from app.storage.engine import driver_connection, translated_errors

Column: TypeAlias = NDArray[Any] | pa.Array | pa.ChunkedArray

_ROWS_IN = 8_192
_ROWS_OUT = 65_536
_BYTES_OUT = 32 << 20  # of a block of rows that users asked for, which may be of any width


def copy_in(connection: Connection, table: str, columns: Mapping[str, Column], *, freeze: bool = False) -> int:
    """Append equally long columns to a table and return the number of rows.

    Masked values, None, NaT and arrow nulls are written as NULL. NaN is NULL too, except in tables of the schema `raw`,
    which keep what a survey wrote.

    Args:
        connection: in whose transaction the rows are written.
        table: name of the table, with its schema where that is not `public`.
        columns: values by column name; columns of the table that are left out take their default.
        freeze: write rows as long visible; allowed where this transaction created the table.

    Raises:
        ValueError: columns differ in length, or a value does not fit the type of its column.
        TypeError: a column's values are of another kind than the table's column.
    """
    count = _common_length(columns)
    driver = driver_connection(connection)
    codecs = [column_codec.codec(oid) for oid in _column_types(driver, table, list(columns))]
    keep_nan = table.startswith("raw.")
    statement = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT BINARY{freeze})").format(
        table=_table_identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        freeze=sql.SQL(", FREEZE") if freeze else sql.SQL(""),
    )
    with translated_errors(), driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(binary_copy.HEADER)
        for start in range(0, count, _ROWS_IN):
            stop = min(start + _ROWS_IN, count)
            fields = [
                column_codec.encode_column(name, codec, _slice(values, start, stop), keep_nan=keep_nan)
                for (name, values), codec in zip(columns.items(), codecs, strict=True)
            ]
            copy.write(binary_copy.encode(fields).data)
        copy.write(binary_copy.TRAILER)
    return count


def copy_out(connection: Connection, query: str, params: Mapping[str, object] | None = None) -> dict[str, NDArray[Any]]:
    """Return the rows of a query as arrays by column name.

    NULL becomes NaN in float columns, 0 in integer columns, False, NaT, and None in text (object arrays).

    Args:
        connection: on which the query runs, in its transaction.
        query: a SELECT; parameters are written `%(name)s`, and `%` itself `%%` where there are parameters.
        params: values of the parameters; numpy arrays of numbers are the fastest lists, whose type the query names.

    Raises:
        TypeError: a column has a type that arrays cannot hold; cast it in the query.
    """
    blocks = list(copy_out_blocks(connection, query, params))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def copy_out_blocks(
    connection: Connection, query: str, params: Mapping[str, object] | None = None, *, rows: int = _ROWS_OUT
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the rows of a query in blocks, as `copy_out` returns them, in flat memory; at least one, be it empty.

    The connection can run nothing else until the iterator is exhausted or closed.
    """
    driver = driver_connection(connection)
    text = _written(driver, query, params or {})
    names, codecs = _describe(driver, _written(driver, query, _without_elements(params or {})))
    with closing(_messages(driver, b"COPY (%b) TO STDOUT (FORMAT BINARY)" % text.encode(), rows)) as messages:
        for count, data in messages:
            tuples = binary_copy.locate(data, count, len(names))
            yield {name: codec.decode(tuples, i) for i, (name, codec) in enumerate(zip(names, codecs, strict=True))}


def copy_out_tuples(driver: psycopg.Connection[Any], query: str, fields: int) -> Generator[binary_copy.Tuples]:
    """Yield the rows of a query of so many columns as the server sends them, in blocks, in flat memory.

    A block ends with the row that fills 32 MiB.
    """
    statement = b"COPY (%b) TO STDOUT (FORMAT BINARY)" % query.encode()
    with closing(_messages(driver, statement, _ROWS_OUT, _BYTES_OUT)) as messages:
        for count, data in messages:
            yield binary_copy.locate(data, count, fields)


def _messages(
    driver: psycopg.Connection[Any], statement: bytes, rows: int, size: int = sys.maxsize
) -> Generator[tuple[int, NDArray[np.uint8]]]:
    """Yield COPY data in blocks of whole tuples, each of so many rows, fewer where they fill `size` bytes.

    libpq hands out one row a call; its own call, and a bytearray that takes each row at once, are four times faster
    than iterating over psycopg's Copy object or keeping the rows in a list.
    """
    with translated_errors(), driver.cursor() as cursor, cursor.copy(statement):
        block, count, skip = bytearray(), 0, len(binary_copy.HEADER)
        while (message := driver.pgconn.get_copy_data(0))[0] >= 0:
            row = message[1][skip:] if skip else message[1]
            skip = 0
            if len(row) == len(binary_copy.TRAILER):
                continue
            if count == rows or len(block) >= size:
                yield count, np.frombuffer(block, np.uint8)
                block, count = bytearray(), 0
            block += row
            count += 1
        _finish_copy(driver)
    yield count, np.frombuffer(block, np.uint8)


def _written(driver: psycopg.Connection[Any], query: str, params: Mapping[str, object]) -> str:
    """Return a query with its parameters in it; psycopg's own way with a list takes a microsecond an element."""
    values = {name: _array(value) if isinstance(value, np.ndarray) else value for name, value in params.items()}
    text = psycopg.ClientCursor(driver).mogrify(query, values) if values else query
    return text.strip().rstrip(";")


def _array(numbers: NDArray[Any]) -> str:
    return "{" + ",".join(pa.array(numbers).cast(pa.string()).to_pylist()) + "}"


def _without_elements(params: Mapping[str, object]) -> dict[str, object]:
    """Return what stands in for parameters where only the types of columns are asked for: a long list costs time."""
    return {name: value[:0] if isinstance(value, np.ndarray) else value for name, value in params.items()}


def _finish_copy(driver: psycopg.Connection[Any]) -> None:
    failure: psycopg.Error | None = None
    while (result := driver.pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failure = psycopg.errors.error_from_result(result, encoding="utf-8")
    if failure is not None:
        raise failure


def _describe(driver: psycopg.Connection[Any], query: str) -> tuple[list[str], list[column_codec.Codec]]:
    with translated_errors(), driver.cursor() as cursor:
        cursor.execute(b"SELECT * FROM (%b) AS described LIMIT 0" % query.encode())
        description = cursor.description or []
    names = [column.name for column in description]
    if len(set(names)) < len(names):
        raise ValueError(f"the query returns two columns of one name: {', '.join(names)}")
    return names, [column_codec.codec(column.type_code, column.name) for column in description]


def _column_types(driver: psycopg.Connection[Any], table: str, names: list[str]) -> list[int]:
    statement = sql.SQL("SELECT {columns} FROM {table} LIMIT 0").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)), table=_table_identifier(table)
    )
    with translated_errors(), driver.cursor() as cursor:
        cursor.execute(statement)
        return [column.type_code for column in cursor.description or []]


def _table_identifier(table: str) -> sql.Identifier:
    schema, dot, name = table.partition(".")
    return sql.Identifier(schema, name) if dot else sql.Identifier(table)


def _common_length(columns: Mapping[str, Column]) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns must be equally long and at least one: {lengths}")
    return next(iter(lengths.values()))


def _slice(values: Column, start: int, stop: int) -> Column:
    part = values[start:stop]
    if isinstance(part, pa.ChunkedArray):
        return pa.concat_arrays(part.chunks) if part.num_chunks else pa.array([], part.type)
    return part
