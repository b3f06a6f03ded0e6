"""What a cross-match reads and writes: measurements, the stars known so far, and the new stars and matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.storage import bulk, surveys
from app.storage.bulk import Column
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.statements import composed

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
Integers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class MadeWith:
    """What stars and matches depend on besides the measurements: edition of the rules, radius in arcsec by survey."""

    edition: int
    radii: Mapping[str, float]


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
    """Return what the cross-match needs of all n measurements that are `present` or belong to a star.

    Filled block by block, to hold them only once.
    """
    count = int(connection.exec_driver_sql(_SQL["count_observations"]).scalar_one())
    columns: Columns = {}
    done = 0
    for block in bulk.copy_out_blocks(connection, _SQL["observations"]):
        for name, values in block.items():
            columns.setdefault(name, np.empty(count, values.dtype))[done : done + len(values)] = values
        done += len(block["ra"])
    return columns


def matches(connection: Connection) -> Columns:
    """Return number, star, way and ambiguity of every matched measurement."""
    return bulk.copy_out(connection, _SQL["matches"])


def known_stars(connection: Connection, *, affected: bool = False) -> Columns:
    """Return number, split and name of every star, by number; only of those that may change if asked."""
    return bulk.copy_out(connection, _scoped("known_stars", affected=affected))


def identities(connection: Connection, *, affected: bool = False) -> pa.Array:
    """Return the identity of every star, by number; only of those that may change if asked."""
    blocks = bulk.copy_out_blocks(connection, _scoped("identities", affected=affected))
    return pa.concat_arrays([pa.array(block["identity"], pa.large_utf8()) for block in blocks])


def tmass_names(connection: Connection, *, affected: bool = False) -> Iterator[Columns]:
    """Yield the 2MASS designations of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _scoped("tmass", affected=affected))


def object_names(connection: Connection, *, affected: bool = False) -> Iterator[Columns]:
    """Yield the names `SURVEY:OBJECT` of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _scoped("objects", affected=affected))


def count_stars(connection: Connection) -> tuple[int, int]:
    """Return how many stars there are, and of how many measurements they are said to be."""
    row = connection.exec_driver_sql(_SQL["count_stars"]).one()
    return row.n_stars, row.n_measurements


def made_with(connection: Connection) -> MadeWith | None:
    """Return what the stars and matches were made with, None where no cross-match made them."""
    row = connection.exec_driver_sql(_SQL["made_with"]).one_or_none()
    return None if row is None else MadeWith(row.edition, row.radii)


def keep(connection: Connection, made: MadeWith) -> None:
    """Write down what the stars and matches are made with."""
    parameters = {"edition": made.edition, "radii": Jsonb(dict(made.radii))}
    connection.exec_driver_sql(_SQL["keep"], parameters)


def take_star_numbers(connection: Connection, count: int) -> Integers:
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


def open_affected(connection: Connection) -> None:
    """Make room, for this transaction, for what is matched anew: `affected_...` and `new_...` tables."""
    driver_connection(connection).execute(_SQL["affected"].encode())


def mark_measurements(connection: Connection, survey_id: Integers, measurement_id: Integers) -> None:
    """Say which measurements are matched anew, in place of those that were said before."""
    driver_connection(connection).execute(_SQL["forget_affected"].encode())
    columns = {"survey_id": survey_id.astype(np.int16), "measurement_id": measurement_id}
    bulk.copy_in(connection, "affected_measurement", columns)
    connection.exec_driver_sql(_SQL["analyze_affected_measurement"])


def named_stars(connection: Connection) -> Integers:
    """Return the stars whose identity is a name of a measurement that is matched anew."""
    found: Integers = bulk.copy_out(connection, _scoped("named", affected=True))["star_id"]
    return found


def mark_stars(connection: Connection, star_id: Integers) -> None:
    """Say which stars may change or end."""
    bulk.copy_in(connection, "affected_star", {"star_id": star_id})
    connection.exec_driver_sql(_SQL["analyze_affected_star"])


def change(connection: Connection, tables: Mapping[str, Mapping[str, Column]]) -> None:
    """Put the rows of `star` and `match` in the place of those of affected stars and measurements.

    Rows that stay as they are, are not written; whoever reads meanwhile sees the earlier ones, and waits for nothing.
    """
    for table, columns in tables.items():
        bulk.copy_in(connection, f"new_{table}", columns)
    driver_connection(connection).execute(_SQL["change"].encode())


def _scoped(name: str, *, affected: bool) -> str:
    """Return a query over all stars or measurements, or over those that are affected."""
    sources = ("affected_measurements", "affected_stars") if affected else ("every_measurement", "every_star")
    measurements, stars = (composed("crossmatch", source) for source in sources)
    return composed("crossmatch", name, measurements=measurements, stars=stars).as_string()


_SQL = queries("crossmatch")
