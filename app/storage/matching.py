"""What a cross-match reads and writes: measurements, the stars known so far, and the new stars and matches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.storage import bulk
from app.storage.bulk import Column
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.statements import composed

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
Integers: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class File:
    """How many measurements are of a file (an ingestion into a survey), and whether it was replaced."""

    survey_id: int
    survey: str
    ingestion_id: int
    n_rows: int
    superseded: bool


@dataclass(frozen=True)
class MadeOf:
    """What stars and matches were made of.

    Attributes:
        edition: of the rules.
        radii: match radius in arcsec by survey.
        files: survey, ingestion and number of measurements of each file.
        counts: what adds up over measurements and stars.
        first_epoch: of all measurements, Julian year.
        last_epoch: of all measurements, Julian year.
    """

    edition: int
    radii: Mapping[str, float]
    files: frozenset[tuple[int, int, int]]
    counts: Mapping[str, float]
    first_epoch: float
    last_epoch: float


def begin(connection: Connection) -> None:
    """Make the transaction the only one that cross-matches, and keep every survey from being ingested meanwhile.

    Raises:
        ConflictError: a cross-match is running.
    """
    if not connection.exec_driver_sql(_SQL["try_lock"]).scalar_one():
        raise ConflictError("a cross-match is running: wait until it has finished")
    connection.exec_driver_sql(_SQL["lock_ingest"])


def survey_names(connection: Connection) -> dict[int, str]:
    """Return the name of every survey by its number."""
    return {row.survey_id: row.name for row in connection.exec_driver_sql(_SQL["survey_names"])}


def radii(connection: Connection) -> dict[str, float]:
    """Return the match radius of every ingested survey in arcsec, by name."""
    return {name: radius for name, radius in connection.exec_driver_sql(_SQL["radii"]) if radius is not None}


def files(connection: Connection) -> list[File]:
    """Return the files that measurements are of."""
    return [File(*row) for row in connection.exec_driver_sql(_SQL["files"])]


def observations(connection: Connection) -> Columns:
    """Return what the cross-match needs of all n measurements that are present, with the star that each belongs to.

    Filled block by block, to hold them only once.
    """
    count = int(connection.exec_driver_sql(_SQL["count_present"]).scalar_one())
    columns: Columns = {}
    done = 0
    query = composed("crossmatch", "observations", measurements=composed("crossmatch", "present_measurements"))
    for block in bulk.copy_out_blocks(connection, query.as_string()):
        for name, values in block.items():
            columns.setdefault(name, np.empty(count, values.dtype))[done : done + len(values)] = values
        done += len(block["ra"])
    return columns


def known_stars(connection: Connection, *, affected: bool = False) -> Columns:
    """Return number, split and name of every star, by number; only of those that may change if asked."""
    return bulk.copy_out(connection, _scoped("known_stars", affected=affected))


def identities(connection: Connection, *, affected: bool = False) -> pa.Array:
    """Return the identity of every star, by number; only of those that may change if asked."""
    blocks = bulk.copy_out_blocks(connection, _scoped("identities", affected=affected))
    return pa.concat_arrays([pa.array(block["identity"], pa.large_utf8()) for block in blocks])


def identities_elsewhere(connection: Connection, names: pa.Array) -> pa.Array:
    """Return the identities that begin with one of some names, of stars that do not change."""
    found = connection.exec_driver_sql(_SQL["identities_elsewhere"], {"names": names.to_pylist()})
    return pa.array(found.scalars().all(), pa.large_utf8())


def tmass_names(connection: Connection, *, affected: bool = False) -> Iterator[Columns]:
    """Yield the 2MASS designations of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _scoped("tmass", affected=affected))


def object_names(connection: Connection, *, affected: bool = False) -> Iterator[Columns]:
    """Yield the names `SURVEY:OBJECT` of measurements, in blocks of `measurement_id` and `name`."""
    return bulk.copy_out_blocks(connection, _scoped("objects", affected=affected))


def count_stars(connection: Connection) -> tuple[int, int, int]:
    """Return how many matches and stars there are, and of how many measurements the stars are said to be."""
    matches = int(connection.exec_driver_sql(_SQL["count_matches"]).scalar_one())
    row = connection.exec_driver_sql(_SQL["count_stars"]).one()
    return matches, row.n_stars, row.n_measurements


def made_of(connection: Connection) -> MadeOf | None:
    """Return what the stars and matches were made of, None where no cross-match made them."""
    row = connection.exec_driver_sql(_SQL["made_of"]).one_or_none()
    if row is None:
        return None
    known = frozenset((survey, ingestion, n_rows) for survey, ingestion, n_rows in row.files)
    return MadeOf(row.edition, row.radii, known, row.counts, row.first_epoch, row.last_epoch)


def keep(connection: Connection, made: MadeOf) -> None:
    """Write down what the stars and matches are made of."""
    parameters = vars(made) | {
        "radii": Jsonb(dict(made.radii)),
        "files": Jsonb(sorted(made.files)),
        "counts": Jsonb(dict(made.counts)),
    }
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


def seed_pool(connection: Connection, seeds: Collection[File], star_id: Integers) -> Columns:
    """Open, for this transaction, a pool of measurements: those of some files and stars, and all fast ones.

    Returns:
        The measurements in the pool, as `observations` returns them.
    """
    driver_connection(connection).execute(_SQL["open_pool"].encode())
    connection.exec_driver_sql(_SQL["seed_pool"], _numbers_of(seeds) | {"stars": star_id.tolist()})
    return _put_in(connection, 0)


def grow_pool(connection: Connection, step: int, low: Integers, high: Integers) -> Columns:
    """Put into the pool what lies in ranges of cells (see `cells`), and shares a name with what the last step put in.

    Args:
        connection: in the transaction of the pool.
        step: 1 for the first time, then one more each time.
        low: (r,) first cells.
        high: (r,) last cells.

    Returns:
        The measurements that are new in the pool, as `observations` returns them.
    """
    lay_out = composed("crossmatch", "open_step", step=sql.Literal(step - 1))
    driver_connection(connection).execute(lay_out)
    bulk.copy_in(connection, "span", {"low": low, "high": high})
    connection.exec_driver_sql(_SQL["analyze_span"])
    connection.exec_driver_sql(_SQL["grow_pool"], {"step": step})
    return _put_in(connection, step)


def _put_in(connection: Connection, step: int) -> Columns:
    source = composed("crossmatch", "pool_of_step", step=sql.Literal(step))
    columns = bulk.copy_out(connection, composed("crossmatch", "observations", measurements=source).as_string())
    # Replaced measurements that no star has are nobody's neighbours; a kept version may still show them.
    there = columns["present"] | (columns["star"] > 0)
    return {name: values[there] for name, values in columns.items()}


def named_stars(connection: Connection, new: Collection[File]) -> Integers:
    """Return the stars whose identity is a name of a measurement of some files."""
    found: Integers = bulk.copy_out(connection, _SQL["named"], _numbers_of(new))["star_id"]
    return found


def mark_affected(connection: Connection, survey_id: Integers, measurement_id: Integers, star_id: Integers) -> None:
    """Say, for this transaction, which measurements are matched anew, and which stars may change or end."""
    driver_connection(connection).execute(_SQL["open_affected"].encode())
    columns = {"survey_id": survey_id.astype(np.int16), "measurement_id": measurement_id}
    bulk.copy_in(connection, "affected_measurement", columns)
    bulk.copy_in(connection, "affected_star", {"star_id": star_id})
    connection.exec_driver_sql(_SQL["analyze_affected"])


def _numbers_of(some: Collection[File]) -> dict[str, list[int]]:
    return {"surveys": [one.survey_id for one in some], "ingestions": [one.ingestion_id for one in some]}


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
