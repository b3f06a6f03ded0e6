"""What is known about the columns of raw tables, kept as PostgreSQL keeps comments: with the column, in every dump."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import orjson
from psycopg import sql
from sqlalchemy import Connection

from app.domain.column_facts import ColumnFacts
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.statements import composed, identifier

_NAMES = frozenset(field.name for field in fields(ColumnFacts))


def read(comment: str | None) -> ColumnFacts:
    """Return what a comment says; one that somebody else wrote is a description."""
    if not comment:
        return ColumnFacts()
    try:
        said = orjson.loads(comment)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return ColumnFacts(description=comment)
    return ColumnFacts(**{name: value for name, value in said.items() if name in _NAMES})


def add(connection: Connection, table: str, facts: Mapping[str, ColumnFacts]) -> None:
    """Add to what is known about columns of a table, by name.

    Args:
        connection: whose user owns the table.
        table: with its schema.
        facts: what a file says, by column of the table.
    """
    named = identifier(table)
    rows = connection.exec_driver_sql(queries("raw")["comments"], {"table": named.as_string()})
    known = {row.name: read(row.comment) for row in rows}
    for column, said in facts.items():
        before = known.get(column, ColumnFacts())
        after = before.followed_by(said)
        if after != before:
            given = {name: value for name, value in asdict(after).items() if value is not None}
            comment = sql.Literal(orjson.dumps(given).decode())
            driver_connection(connection).execute(
                composed("raw", "comment", table=named, column=sql.Identifier(column), comment=comment)
            )
