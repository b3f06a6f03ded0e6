"""`sos db` and `sos migrate`: the database server and its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import context

app = typer.Typer(help="Start, stop, inspect, upgrade, dump and restore the embedded PostgreSQL.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def start() -> None:
    """Start the embedded PostgreSQL and let it run until `sos db stop`; prints its URL."""
    context.emit(context.embedded_server().start())


@app.command()
def stop() -> None:
    """Stop the embedded PostgreSQL, whoever uses it."""
    stopped = context.embedded_server().stop()
    context.say("stopped" if stopped else "it was not running")


@app.command()
def status(*, json: AsJson = False) -> None:
    """Say where the database is, whether it runs, and which schema it has.

    Exit code 0 if it answers, 5 if not.
    """
    found = _other_server() if context.settings().database_url else _embedded_server()
    context.emit(found, json=json)
    if not found["running"]:
        raise typer.Exit(5)


@app.command()
def upgrade(
    *, old: Annotated[Path | None, typer.Option("--from", help="Programs of the PostgreSQL that made the data.")] = None
) -> None:
    """Bring the embedded database to the major version of the installed PostgreSQL, by pg_upgrade."""
    kept = context.embedded_server().upgrade(old)
    context.say("nothing to do" if kept is None else f"upgraded; the old data is kept in {kept} until you remove it")


@app.command()
def dump(file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Write the whole database into a file; it may be in use meanwhile."""
    from app.storage import embedded_backup

    embedded_backup.dump(context.embedded_server(), file)
    context.say(f"{file}: {file.stat().st_size / 1e6:,.1f} MB")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="File that `sos db dump` wrote.")]) -> None:
    """Fill an empty database from a file that `sos db dump` wrote."""
    from app.storage import embedded_backup

    embedded_backup.restore(context.embedded_server(), file)
    context.say(f"{file} is restored; `sos migrate` brings it to the present schema")


def migrate() -> None:
    """Bring the database to the schema that this version of SoS needs."""
    from app.storage import migrate as schema

    with context.open_database(migrated=False) as database, database.begin() as connection:
        before = schema.current_revision(connection)
        schema.upgrade(connection)
        after = schema.current_revision(connection)
    context.say(f"schema {after}, as before" if before == after else f"schema {before or 'empty'} -> {after}")


def _embedded_server() -> dict[str, Any]:
    found = context.embedded_server().status()
    return {"kind": "embedded", **vars(found), "schema": _schema(found.url)}


def _other_server() -> dict[str, Any]:
    url = context.settings().database_url
    schema = _schema(url)
    return {"kind": "other", "running": schema is not None, "url": _without_password(url), "schema": schema}


def _schema(url: str | None) -> str | None:
    """Return the schema revision, `empty` for a database without one, None for a server that does not answer."""
    from app.domain.errors import DatabaseError
    from app.storage.engine import Database
    from app.storage.migrate import current_revision

    if url is None:
        return None
    database = Database(url)
    try:
        with database.connect() as connection:
            return current_revision(connection) or "empty"
    except DatabaseError as error:
        context.say(f"error: {error}")
        return None
    finally:
        database.dispose()


def _without_password(url: str | None) -> str:
    from sqlalchemy import make_url

    return make_url(url or "").render_as_string(hide_password=True)
