"""The database as its users see it: connections with a transaction, and driver errors translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine, exc

from app.domain.errors import ConflictError, DatabaseError

WRITER_OPTIONS = "-c timezone=UTC -c jit=off"


def driver_url(url: str) -> str:
    """Return the `postgresql://` form that psycopg takes for any accepted spelling of the URL."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql://" + url.removeprefix(prefix)
    raise DatabaseError(f"SOS_DATABASE_URL must start with postgresql://, got {url.split('://', maxsplit=1)[0]!r}")


class Database:
    """A PostgreSQL database, reached through SQLAlchemy on psycopg 3."""

    def __init__(self, url: str) -> None:
        self.url = driver_url(url)
        self.engine: Engine = sqlalchemy.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://", 1),
            connect_args={"options": WRITER_OPTIONS},
            pool_pre_ping=True,
        )

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a connection whose transaction commits when the block ends and rolls back when it raises."""
        with translated_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection for reading; nothing is committed."""
        with translated_errors(), self.engine.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the project's errors in place of the driver's.

    Raises:
        DatabaseError: the server cannot be reached or ended the connection.
        ConflictError: a unique or check constraint forbids the change.
    """
    try:
        yield
    except (exc.OperationalError, psycopg.OperationalError, exc.InterfaceError) as error:
        raise DatabaseError(f"the database cannot be reached or stopped answering: {_first_line(error)}") from error
    except (exc.IntegrityError, psycopg.IntegrityError) as error:
        raise ConflictError(f"the database refused the change: {_first_line(error)}") from error


def driver_connection(connection: Connection) -> psycopg.Connection[tuple[object, ...]]:
    """Return the psycopg connection under a SQLAlchemy one, in the same transaction (for COPY)."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _first_line(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().split("\n", maxsplit=1)[0]
