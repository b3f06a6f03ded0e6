"""What a cross-match reads and replaces: all measurements, the stars known so far, and the new stars and matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.storage import bulk, surveys
from app.storage.bulk import Column
from app.storage.engine import driver_connection
from app.storage.queries import queries

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


def begin(connection: Connection) -> None:
    """Make the transaction the only one that cross-matches, and keep every survey from being ingested meanwhile.

    Raises:
        ConflictError: a cross-match is running.
    """
    if not connection.exec_driver_sql(_SQL["try_lock"]).scalar_one():
        raise ConflictError("a cross-match is running: wait until it has finished")
    for name in sorted(survey_names(connection).values()):
        surveys.lock(connection, name)


def survey_names(connection: Connection) -> dict[int, str]:
    """Return the name of every survey by its number."""
    return {row.survey_id: row.name for row in connection.exec_driver_sql(_SQL["survey_names"])}


def radii(connection: Connection) -> dict[str, float]:
    """Return the match radius of every ingested survey in arcsec, by name."""
    return {name: radius for name, radius in connection.exec_driver_sql(_SQL["radii"]) if radius is not None}


def observations(connection: Connection) -> Columns:
    """Return what the cross-match needs of all n measurements; filled block by block, to hold them only once."""
    count = int(connection.exec_driver_sql(_SQL["count_measurements"]).scalar_one())
    columns: Columns = {}
    done = 0
    for block in bulk.copy_out_blocks(connection, _SQL["observations"]):
        for name, values in block.items():
            columns.setdefault(name, np.empty(count, values.dtype))[done : done + len(values)] = values
        done += len(block["ra"])
    return columns


def matches(connection: Connection) -> Columns:
    """Return the star number of every matched measurement."""
    return bulk.copy_out(connection, _SQL["matches"])


def known_stars(connection: Connection) -> Columns:
    """Return number, split and name of every star, by number."""
    return bulk.copy_out(connection, _SQL["known_stars"])


def identities(connection: Connection) -> pa.Array:
    """Return the identity of every star, by number."""
    blocks = bulk.copy_out_blocks(connection, _SQL["identities"])
    return pa.concat_arrays([pa.array(block["identity"], pa.large_utf8()) for block in blocks])


def tmass_names(connection: Connection) -> Iterator[Columns]:
    """Yield the 2MASS designations of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _SQL["tmass"])


def object_names(connection: Connection) -> Iterator[Columns]:
    """Yield the names `SURVEY:OBJECT` of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _SQL["objects"])


def take_star_numbers(connection: Connection, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return `count` numbers in a row that no star ever had."""
    if count == 0:
        return np.empty(0, np.int64)
    last = int(connection.exec_driver_sql(_SQL["take_star_numbers"], {"count": count}).scalar_one())
    return np.arange(last - count + 1, last + 1)


def replace(connection: Connection, tables: Mapping[str, Mapping[str, Column]]) -> None:
    """Put the rows of `star` and `match` in the place of all earlier ones; whoever asks for them waits for the commit.

    Indexes are made after the rows are in, which is four times faster than keeping them up to date row by row. Nothing
    that is served reads these tables: a version has its own.

    Raises:
        ConflictError: somebody else has been reading the tables, in one transaction, for a minute.
    """
    driver = driver_connection(connection)
    try:
        driver.execute(_SQL["clear"].encode())
    except psycopg.errors.LockNotAvailable as error:
        raise ConflictError("another connection keeps reading stars or matches: end it and match again") from error
    for table, columns in tables.items():
        bulk.copy_in(connection, table, columns, freeze=True)
    driver.execute(_SQL["index"].encode())


def record_run(connection: Connection, *, measurements: int, stars: int) -> None:
    """Note that the tables were replaced: a version that is being made notices that its data are not what they were."""
    connection.exec_driver_sql(_SQL["record_run"], {"measurements": measurements, "stars": stars})


_SQL = queries("crossmatch")
