"""Users' tables with the homogenized columns of their stars joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.domain.columns import Column, Kind
from app.domain.files import FileFormat
from app.domain.matches import CANDIDATES, SEPARATION, MatchRequest
from app.services.downloads import Download, facts
from app.services.uploads import id_column, identifiers, position_columns, positions
from app.services.user_columns import SAME_KIND, extended
from app.services.versions import resolve
from app.storage import star_lists, surveys, table_files
from app.storage.engine import Database

Read: TypeAlias = Callable[[bytes], tuple[pa.Table, str]]
Arrays: TypeAlias = dict[str, NDArray[Any]]

BATCH_ROWS = 16_384
PATIENCE = "SET LOCAL statement_timeout = '120s'"


class Matches:
    """Joins the catalogue to tables.

    Args:
        database: connections for answers that may take a while.
        read: reads an uploaded file into a table and says its format.
    """

    def __init__(self, database: Database, read: Read) -> None:
        self._database = database
        self._read = read

    @contextmanager
    def join(self, content: bytes, wanted: MatchRequest) -> Iterator[Download]:
        """Open the uploaded table with every row and column that it has, and the columns of the star of each row.

        Rows without a star have nulls there. A column whose name the table has already gets the prefix `sos_`.

        Raises:
            InputError: the file is no table, or its columns do not say which stars are meant.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        table, form = self._read(content)
        with self._database.connect() as connection:
            version = resolve(connection, wanted.version)
            connection.exec_driver_sql(PATIENCE)
            found, extra = found_stars(connection, version, table, wanted)
            about = facts(version, table.num_rows, surveys.list_all(connection))
        about["sos.matched"] = str(len(found["place"]))
        joined, columns = _joined(table, found, (*extra, *wanted.columns))
        file = wanted.file or SAME_KIND.get(form, FileFormat.CSV)
        batches = joined.to_reader(BATCH_ROWS)
        texts = table_files.texts_of(joined) if file in {FileFormat.FITS, FileFormat.VOTABLE} else {}
        blocks = table_files.blocks(file, batches, columns, about, name="match", texts=texts)
        yield Download(file, version, table.num_rows, blocks)


def found_stars(
    connection: Connection, version: int, table: pa.Table, wanted: MatchRequest
) -> tuple[Arrays, tuple[Column, ...]]:
    """Return the stars found, `place` in the table and the columns wanted, and which columns the match itself adds."""
    if wanted.radius is None:
        asked = identifiers(table, id_column(table.schema, wanted.id))
        return star_lists.rows_named(connection, version, wanted.columns, asked), ()
    places = positions(table, *position_columns(table.schema, wanted.ra, wanted.dec))
    found = star_lists.rows_near(connection, version, wanted.columns, places, wanted.radius)
    return found, (SEPARATION, CANDIDATES)


def _joined(table: pa.Table, found: Arrays, added: tuple[Column, ...]) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return the table with columns added to its rows, and what is known about all columns."""
    row = np.full(table.num_rows, -1, np.int64)
    row[found["place"]] = np.arange(len(found["place"]))
    take = pa.array(row, mask=row < 0)
    return extended(table, ((column, _nullable(found[column.name], column).take(take)) for column in added))


def _nullable(values: NDArray[Any], column: Column) -> pa.Array:
    """Return a column of found stars; no star has the number 0, and a value that is no number is unknown."""
    if column.kind is Kind.ID:
        return pa.array(values, mask=values == 0)
    return pa.array(values, from_pandas=True)
