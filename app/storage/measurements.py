"""Measurements: one partition a survey, filled by COPY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from app.storage import raw
from app.storage.bulk import Column, copy_in, copy_out
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.statements import composed, identifier


@dataclass(frozen=True)
class Partition:
    """Where a survey's measurements go; a new one has no indexes and is not attached before it is filled."""

    survey_id: int
    table: str
    new: bool


def open_partition(connection: Connection, survey_id: int, survey: str) -> Partition:
    """Return a survey's partition, made where the survey is new."""
    table = f"measurement_{survey}"
    exists = connection.exec_driver_sql(queries("measurements")["partition_exists"], {"table": table}).scalar_one()
    partition = Partition(survey_id, table, new=not exists)
    if partition.new:
        _execute(connection, "create_partition", partition)
        _execute(connection, "check_partition", partition)
    return partition


def append(
    connection: Connection, partition: Partition, ingestion_id: int, columns: Mapping[str, Column]
) -> NDArray[np.int64]:
    """Add measurements (n,) and return the numbers that they got.

    Args:
        connection: in whose transaction.
        partition: from `open_partition` in the same transaction.
        ingestion_id: the file that they come from.
        columns: values by column of the table `measurement`, without survey, ingestion and number.
    """
    count = len(columns["object_id"])
    numbers = take_numbers(connection, count)
    ours = {
        "survey_id": np.full(count, partition.survey_id, np.int16),
        "measurement_id": numbers,
        "ingestion_id": np.full(count, ingestion_id, np.int32),
    }
    copy_in(connection, partition.table, {**ours, **columns}, freeze=partition.new)
    return numbers


def close_partition(connection: Connection, partition: Partition) -> None:
    """Attach a new partition with its indexes, and gather statistics."""
    if partition.new:
        _execute(connection, "attach_partition", partition)
        _execute(connection, "drop_check", partition)
    _execute(connection, "analyze", partition)


def take_numbers(connection: Connection, count: int) -> NDArray[np.int64]:
    """Return `count` measurement numbers in a row that nobody else has or gets."""
    if count == 0:
        return np.empty(0, np.int64)
    row = connection.exec_driver_sql(queries("measurements")["take_numbers"], {"count": count}).one()
    return np.arange(row.last - count + 1, row.last + 1)


def repeated_objects(connection: Connection, survey_id: int, ingestion_id: int) -> dict[str, NDArray[Any]]:
    """Return the rows of a file whose objects the survey has from other files: number, row in the file, reason."""
    parameters = {"survey_id": survey_id, "ingestion_id": ingestion_id}
    return copy_out(connection, queries("measurements")["repeated_objects"], parameters)


def delete_rows(connection: Connection, survey_id: int, numbers: NDArray[np.int64]) -> None:
    """Delete measurements by number, with what matched them to stars."""
    parameters = {"survey_id": survey_id, "numbers": numbers.tolist()}
    connection.exec_driver_sql(queries("measurements")["delete_rows"], parameters)


def purge_superseded(connection: Connection) -> int:
    """Delete the rows of replaced files that nothing needs any more, and return how many files these were.

    A kept version needs the rows that it calibrated, its originals among them; the next cross-match needs those that
    still belong to a star, to see what changes without them. Nothing goes while a version is being made.
    """
    unneeded = connection.exec_driver_sql(queries("measurements")["unneeded"]).all()
    for row in unneeded:
        raw.delete_ingestions(connection, row.survey, [row.ingestion_id])
        parameters = {"survey_id": row.survey_id, "ingestion_id": row.ingestion_id}
        connection.exec_driver_sql(queries("measurements")["delete_ingestion"], parameters)
    return len(unneeded)


def _execute(connection: Connection, name: str, partition: Partition) -> None:
    statement = composed(
        "measurements", name, table=identifier(partition.table), survey_id=sql.Literal(partition.survey_id)
    )
    driver_connection(connection).execute(statement)
