"""The partitions in which a version's catalogue lives: made, loaded, indexed, and only then attached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from app.storage import bulk, sky
from app.storage.engine import driver_connection
from app.storage.queries import queries

TABLES = ("calibrated", "homogenized")


def create(connection: Connection, version_id: int) -> None:
    """Make the empty tables of a version; rows can be copied in before anybody sees them."""
    for table in TABLES:
        _execute(connection, "CREATE TABLE {part} (LIKE {whole} INCLUDING DEFAULTS)", table, version_id)


def append(
    connection: Connection, table: str, version_id: int, columns: Mapping[str, Any], *, freeze: bool = False
) -> int:
    """Copy columns into a version's table and return the number of rows; `freeze` in the transaction that made it."""
    return bulk.copy_in(connection, f"{table}_{version_id}", columns, freeze=freeze)


def attach(connection: Connection, version_id: int) -> None:
    """Index the loaded tables of a version and make them partitions."""
    for table in TABLES:
        check = "ALTER TABLE {part} ADD CONSTRAINT {name} CHECK (version_id = {version})"
        _execute(connection, check, table, version_id)
        attach_part = "ALTER TABLE {whole} ATTACH PARTITION {part} FOR VALUES IN ({version})"
        _execute(connection, attach_part, table, version_id)
        _execute(connection, "ALTER TABLE {part} DROP CONSTRAINT {name}", table, version_id)
    sky.create_sky_index(connection, f"homogenized_{version_id}")
    for table in TABLES:
        _execute(connection, "ANALYZE {part}", table, version_id)


def drop(connection: Connection, version_id: int) -> None:
    """Remove a version's tables, attached or not."""
    for table in TABLES:
        _execute(connection, "DROP TABLE IF EXISTS {part}", table, version_id)


def detach(connection: Connection, version_id: int) -> None:
    """Take a version's tables out of the whole while others are read; outside of any transaction."""
    for table, attached in _tables(connection, version_id):
        if attached:
            _execute(connection, "ALTER TABLE {whole} DETACH PARTITION {part} CONCURRENTLY", table, version_id)


def left_over(connection: Connection) -> list[int]:
    """Return versions that failed or were removed and still have tables."""
    rows = connection.exec_driver_sql(queries("versions")["left_over"]).scalars()
    return [int(number) for number in rows]


def _tables(connection: Connection, version_id: int) -> list[tuple[str, bool]]:
    rows = connection.exec_driver_sql(queries("versions")["tables_of"], {"version_id": version_id})
    return [(row[0], row[1]) for row in rows]


def _execute(connection: Connection, statement: str, table: str, version_id: int) -> None:
    names = {
        "whole": sql.Identifier(table),
        "part": sql.Identifier(f"{table}_{version_id}"),
        "name": sql.Identifier(f"ck_{table}_{version_id}"),
        "version": sql.Literal(version_id),
    }
    driver_connection(connection).execute(sql.SQL(statement).format(**names))
