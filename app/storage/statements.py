"""Named SQL whose tables and columns are only known while running: `{name}` stands for an identifier or a list."""

from __future__ import annotations

from psycopg import sql

from app.storage.queries import queries


def composed(noun: str, name: str, **parts: sql.Composable) -> sql.Composed:
    """Return the query `name` of `queries/<noun>.sql` with its `{...}` filled in."""
    return sql.SQL(queries(noun)[name]).format(**parts)


def identifier(table: str) -> sql.Identifier:
    """Return a table's quoted name; what stands before the first point is the schema."""
    schema, dot, name = table.partition(".")
    return sql.Identifier(schema, name) if dot else sql.Identifier(table)
