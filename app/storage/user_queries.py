"""Queries that users wrote, after they have become SQL of ours: read, and nothing else, whatever they say.

Each runs in a transaction of its own that cannot write, under a role that may read the served tables alone, and is sent
by PostgreSQL's extended protocol first, which takes exactly one statement. That such a query is harmless was decided
before; this is for the day on which that decision is wrong.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from numpy.typing import NDArray
from psycopg import pq, sql
from sqlalchemy import Connection

from app.domain.errors import DatabaseError, QueryError, SosError
from app.domain.fields import Datatype, Field, ServedTable
from app.storage import versions
from app.storage.engine import Database, driver_connection, meaning
from app.storage.queries import queries
from app.storage.reader_role import ROLE

if TYPE_CHECKING:
    from app.storage.binary_copy import Tuples

LARGEST_TEMPORARY = "4GB"
UPLOADS = "tap_upload"

_DATATYPES = {
    16: Datatype.BOOLEAN,
    20: Datatype.LONG,
    21: Datatype.SHORT,
    23: Datatype.INT,
    25: Datatype.TEXT,
    700: Datatype.FLOAT,
    701: Datatype.DOUBLE,
    1042: Datatype.TEXT,
    1043: Datatype.TEXT,
    1700: Datatype.DOUBLE,
}
_NUMERIC = 1700
_ARRAY = 1022
_SENT: dict[int | str, str] = {
    _NUMERIC: "{0}::float8",
    "point": "float8send({0}[1]) || float8send({0}[2])",
    "circle": "float8send({0}[1]) || float8send({0}[2]) || float8send({0}[3])",
    "polygon": (
        "CASE WHEN {0} IS NOT NULL THEN (SELECT string_agg(float8send(corner.number), '' ORDER BY corner.place)"
        " FROM unnest({0}) WITH ORDINALITY AS corner (number, place)) END"
    ),
}
_CANCELLED = "57014"
# Classes of SQLSTATE that speak of the query: values, names and types, more than it may have, or what it may not do.
_OF_QUERIES = {"0A", "21", "22", "25", "34", "42", "53", "54", "XX"}
_TOO_LONG = (
    "the query was stopped by the time limit of {seconds:g} s: bound it by a place (CONTAINS, or DISTANCE < r) or by"
    " star_id, or leave it to /tap/async, which has more time"
)
_SQL_TYPES = {
    Datatype.BOOLEAN: "boolean",
    Datatype.SHORT: "smallint",
    Datatype.INT: "integer",
    Datatype.LONG: "bigint",
    Datatype.FLOAT: "real",
    Datatype.DOUBLE: "double precision",
    Datatype.TEXT: "text",
    Datatype.UNICODE: "text",
}
# A superuser's queries may fill the disk with what they sort; the limit is theirs alone to set.
_LIMIT_TEMPORARY = """SELECT set_config('temp_file_limit', %s, true)
WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"""


@dataclass(frozen=True)
class Upload:
    """A table that came with a query: columns and their values, equally long."""

    name: str
    fields: tuple[Field, ...]
    columns: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Answer:
    """The columns of an answer, and its rows as the server sends them, a block at a time."""

    fields: tuple[Field, ...]
    blocks: Iterator[Tuples]


class _Verbatim(sql.Composable):
    """SQL that is there already, braces and all."""

    def as_bytes(self, context: Any = None) -> bytes:  # noqa: ARG002 - as the base class has it
        return str(self._obj).encode()


class Session:
    """One transaction for one query; everything in it is of one moment.

    Attributes:
        version: the published version, None where there is none.
        backend: names this transaction, so that others can stop it and see whether it goes on.
        tables: the tables that were uploaded.
    """

    def __init__(
        self,
        driver: psycopg.Connection[Any],
        version: int | None,
        tables: tuple[ServedTable, ...],
        *,
        backend: str,
        seconds: float,
    ) -> None:
        self.backend = backend
        self._driver = driver
        self._seconds = seconds
        self.version = version
        self.tables = tables

    @contextmanager
    def answer(self, query: str, fields: Sequence[Field], *, limit: int | None) -> Iterator[Answer]:
        """Open the rows of a query, at most `limit` of them.

        Args:
            query: one SELECT.
            fields: what is known of its columns beforehand.
            limit: rows at most.

        Raises:
            QueryError: the database cannot answer it, or not in time; the message says why.
        """
        with _explained(self._seconds):
            kinds = _described(self._driver, query)
            if len(kinds) != len(fields):
                raise QueryError(f"the query has {len(kinds)} columns where {len(fields)} were expected")
            found = tuple(
                replace(column, datatype=_datatype(column, kind)) for column, kind in zip(fields, kinds, strict=True)
            )
            text = _limited(query, kinds, found, limit)
        with closing(self._blocks(text, len(kinds))) as blocks:
            yield Answer(found, blocks)

    def _blocks(self, query: str, fields: int) -> Generator[Tuples]:
        from app.storage import bulk  # noqa: PLC0415 - compiled code, for which no process waits at its start

        with _explained(self._seconds), closing(bulk.copy_out_tuples(self._driver, query, fields)) as blocks:
            yield from blocks


@contextmanager
def session(database: Database, uploads: Sequence[Upload], *, seconds: float) -> Iterator[Session]:
    """Open a transaction in which one query can be asked; it can read, for so many seconds.

    Raises:
        DatabaseError: the server cannot be reached, or the reading role is missing.
        InputError: an uploaded value does not fit.
    """
    with database.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        driver = driver_connection(connection)
        if uploads:
            driver.execute("SET TRANSACTION READ WRITE")
        version = versions.current(connection)
        tables = tuple(_uploaded(connection, upload) for upload in uploads)
        backend = connection.exec_driver_sql(queries("tap_jobs")["backend"]).scalar_one()
        _confine(driver, seconds)
        yield Session(driver, version, tables, backend=backend, seconds=seconds)


def _confine(driver: psycopg.Connection[Any], seconds: float) -> None:
    """Give up everything but reading, for the rest of the transaction; after its first statement nothing takes it back.

    PostgreSQL refuses to make a transaction writable again once it has read.
    """
    driver.execute(_LIMIT_TEMPORARY, [LARGEST_TEMPORARY])
    driver.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(1000 * seconds))}ms"])
    driver.execute("SET TRANSACTION READ ONLY")
    try:
        driver.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(ROLE)))
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        problem = f"this database user cannot take on the role {ROLE}: run `sos migrate`, or see docs/vo.md"
        raise DatabaseError(problem) from error


def _uploaded(connection: Connection, upload: Upload) -> ServedTable:
    """Make a temporary table of what was uploaded; it is gone with the transaction."""
    from app.storage import bulk  # noqa: PLC0415 - as above

    table = f"{UPLOADS}_{upload.name}"
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(_SQL_TYPES[column.datatype or Datatype.TEXT]))
        for column in upload.fields
    )
    driver = driver_connection(connection)
    name = sql.Identifier("pg_temp", table)
    driver.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(table), columns))
    bulk.copy_in(connection, f"pg_temp.{table}", upload.columns)
    driver.execute(sql.SQL("ANALYZE {}").format(name))
    driver.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(name, sql.Identifier(ROLE)))
    source = sql.SQL("SELECT * FROM {}").format(name).as_string()
    return ServedTable(UPLOADS, upload.name, "A table that came with the query", upload.fields, source)


def _described(driver: psycopg.Connection[Any], query: str) -> list[int]:
    """Return the type of each column, having the server read the query without running it."""
    libpq = driver.pgconn
    for result in (libpq.prepare(b"", query.encode()), libpq.describe_prepared(b"")):
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
    return [result.ftype(place) for place in range(result.nfields)]


def _limited(query: str, kinds: Sequence[int], fields: Sequence[Field], limit: int | None) -> str:
    """Return the query with at most so many rows, in types that every kind of answer can hold.

    A shape is sent as the bytes of its numbers, big-endian as in VOTable.
    """
    names = [sql.Identifier(f"c{place}") for place in range(len(kinds))]
    columns = [
        sql.SQL(_SENT.get(field.xtype or "" if field.is_shape else kind, "{0}")).format(one)
        for one, kind, field in zip(names, kinds, fields, strict=True)
    ]
    text = sql.SQL("SELECT {} FROM ({}) AS answer ({}) LIMIT {}").format(
        sql.SQL(", ").join(columns), _Verbatim(query), sql.SQL(", ").join(names), sql.Literal(limit)
    )
    return text.as_string()


def _datatype(column: Field, kind: int) -> Datatype:
    if kind == _ARRAY and column.is_shape:
        return Datatype.DOUBLE
    found = _DATATYPES.get(kind)
    if found is None or column.is_shape:
        raise QueryError(f"column {column.name!r} has a type that no answer can hold: use CAST")
    return Datatype.UNICODE if found is Datatype.TEXT and column.datatype is Datatype.UNICODE else found


@contextmanager
def _explained(seconds: float) -> Iterator[None]:
    """Raise what the database says about a query as an error of the query."""
    try:
        yield
    except (psycopg.Error, SosError) as error:
        cause = error if isinstance(error, psycopg.Error) else error.__cause__
        if not isinstance(cause, psycopg.Error):
            raise
        raise _meaning(cause, seconds) from cause


def _meaning(error: psycopg.Error, seconds: float) -> SosError:
    state = error.sqlstate or ""
    if state == _CANCELLED:
        return QueryError(_TOO_LONG.format(seconds=seconds))
    if state[:2] in _OF_QUERIES:
        return QueryError(str(error).strip().split("\n", maxsplit=1)[0])
    return meaning(error)
