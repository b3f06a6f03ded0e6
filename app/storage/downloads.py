"""Whole tables on their way out of PostgreSQL, a block at a time, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from psycopg import sql

from app.domain.errors import DatabaseError
from app.domain.files import FileFormat
from app.storage import slices, table_files
from app.storage.engine import driver_url, translated_errors
from app.storage.reading import LONG_OPTIONS, Connection
from app.storage.rendering import Rendering
from app.storage.slices import Selection

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 1 << 18
BATCH_BYTES = 1 << 22

_CSV = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)")
# JSON text holds no control characters, so with these for quote and delimiter CSV leaves it as it is, a line a row.
_JSON_LINES = sql.SQL(
    r"COPY (SELECT row_to_json(line) FROM ({}) AS line) TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"
)


@contextmanager
def opened(
    url: str, connection: Connection, selection: Selection, file: FileFormat, facts: Mapping[str, str]
) -> Iterator[Iterator[bytes]]:
    """Open the rows of a selection, as the transaction of `connection` sees them, as the blocks of a file.

    Args:
        url: where another connection can be made; the binary formats use one of their own.
        connection: in a transaction of its own, which nothing else uses meanwhile.
        selection: which rows.
        file: the kind of file.
        facts: what the file says of itself, where its kind has a place for it.
    """
    match file:
        case FileFormat.CSV:
            blocks = _copied(connection, _CSV.format(selection.all_rows(Rendering.CSV)))
        case FileFormat.JSONL:
            blocks = _copied(connection, _JSON_LINES.format(selection.all_rows(Rendering.JSON)))
        case _:
            blocks = _columnar(url, connection, selection, file, facts)
    with closing(blocks):
        yield blocks


def _columnar(
    url: str, connection: Connection, selection: Selection, file: FileFormat, facts: Mapping[str, str]
) -> Generator[bytes]:
    columns = tuple(selection.columns)
    described = file in {FileFormat.FITS, FileFormat.VOTABLE}
    texts = slices.texts(connection, selection) if described else {}
    query = selection.all_rows(Rendering.PLAIN if described else Rendering.NATIVE)
    with arrow_reader(url, connection, query) as batches:
        yield from table_files.blocks(file, batches, columns, facts, name=selection.name, texts=texts)


@contextmanager
def arrow_reader(url: str, connection: Connection, query: sql.Composable) -> Iterator[pa.RecordBatchReader]:
    """Open the rows of a query as arrow batches, as the transaction of `connection` sees them.

    Args:
        url: where another connection can be made.
        connection: in a transaction of its own, which nothing else uses meanwhile.
        query: without parameters.

    Raises:
        DatabaseError: the server cannot be reached or stops answering.
    """
    import adbc_driver_postgresql.dbapi as adbc  # noqa: PLC0415 - takes a second, and only these files need it
    import pyarrow as pa  # noqa: PLC0415 - as above

    failures = (adbc.Error, OSError)
    snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert snapshot is not None
    with ExitStack() as held:
        with _said(failures):
            driver = held.enter_context(closing(adbc.connect(_with_options(url), autocommit=True)))
            cursor = held.enter_context(closing(driver.cursor()))
            _adopt(cursor, snapshot[0])
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
            cursor.execute(query.as_string())
            batches = held.enter_context(closing(cursor.fetch_record_batch()))

        def read() -> Iterator[pa.RecordBatch]:
            with _said(failures):
                yield from batches

        yield pa.RecordBatchReader.from_batches(batches.schema, read())


@contextmanager
def _said(failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """Raise what the driver raises as the project's error."""
    try:
        yield
    except failures as error:
        first_line = str(error).strip().split("\n", maxsplit=1)[0]
        raise DatabaseError(f"the database cannot be reached or stopped answering: {first_line}") from error


def _adopt(cursor: Any, snapshot: str) -> None:
    for statement in ("BEGIN ISOLATION LEVEL REPEATABLE READ", f"SET TRANSACTION SNAPSHOT '{snapshot}'"):
        cursor.execute(statement)


def _copied(connection: Connection, statement: sql.Composed) -> Generator[bytes]:
    """Yield what COPY writes, its many small pieces joined to blocks."""
    pieces: list[bytes] = []
    size = 0
    with translated_errors(), connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in copy:
            pieces.append(bytes(piece))
            size += len(piece)
            if size >= BLOCK_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


def _with_options(url: str) -> str:
    plain = driver_url(url)
    return f"{plain}{'&' if '?' in plain else '?'}options={quote(LONG_OPTIONS)}"
