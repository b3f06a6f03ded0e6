"""`sos db` and `sos migrate`: the database server and its schema."""

from __future__ import annotations

import typer

from app.cli import context

app = typer.Typer(help="Start, stop, inspect and upgrade the embedded PostgreSQL.", no_args_is_help=True)


@app.command()
def stop() -> None:
    """Stop the embedded PostgreSQL."""
    context.embedded_server().stop()


def migrate() -> None:
    """Bring the database to the schema that this version of SoS needs."""
    from app.storage import migrate as schema

    with context.open_database(migrated=False) as database, database.begin() as connection:
        before = schema.current_revision(connection)
        schema.upgrade(connection)
    after = schema.expected_revision()
    context.say(f"schema {after}" if before == after else f"schema {before or 'empty'} -> {after}")
