"""Bring a database to the schema that this code expects, or say how far away it is."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text


def configuration(connection: Connection | None = None) -> Config:
    """Return alembic's configuration; no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run every migration that is missing; two callers at once wait for each other."""
    connection.execute(text("SELECT pg_advisory_xact_lock(8273645)"))
    command.upgrade(configuration(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Undo migrations down to a revision."""
    command.downgrade(configuration(connection), revision)


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def expected_revision() -> str:
    """Return the revision that this code was written for."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    assert head is not None
    return head
