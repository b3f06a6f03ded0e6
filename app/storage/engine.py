"""The database as its users see it: connections with a transaction, and driver errors translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy
from psycopg_pool import PoolTimeout
from sqlalchemy import Connection, Engine, QueuePool, exc

from app.domain.errors import ConflictError, DatabaseError, InputError, SosError, UnavailableError
from app.storage.pool_use import PoolUse, Waits

WRITER_OPTIONS = "-c timezone=UTC -c jit=off"
_USUAL_SIZE = 5
_USUAL_OVERFLOW = 10

_TRANSLATED = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.IntegrityError,
    exc.TimeoutError,
    exc.DataError,
    psycopg.OperationalError,
    psycopg.DataError,
    psycopg.IntegrityError,
)


def driver_url(url: str) -> str:
    """Return the `postgresql://` form that psycopg takes for any accepted spelling of the URL."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql://" + url.removeprefix(prefix)
    raise DatabaseError(f"SOS_DATABASE_URL must start with postgresql://, got {url.split('://', maxsplit=1)[0]!r}")


class Database:
    """A PostgreSQL database, reached through SQLAlchemy on psycopg 3.

    Args:
        url: where it is, in any of the accepted spellings.
        options: settings of every connection, as `-c name=value` words.
        size: connections at most; None for five that stay open and ten more under load.
        patience_s: how long to wait for a connection to become free.
        name: what the pool is called in the figures of the service.
        server_patience_s: how long to wait for a server that does not answer; None for as long as the system does.
    """

    def __init__(
        self,
        url: str,
        *,
        options: str = WRITER_OPTIONS,
        size: int | None = None,
        patience_s: float = 30.0,
        name: str = "database",
        server_patience_s: int | None = None,
    ) -> None:
        self.url = driver_url(url)
        self._name = name
        self._size = size or _USUAL_SIZE + _USUAL_OVERFLOW
        self._waits = Waits(name)
        self.engine: Engine = sqlalchemy.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://", 1),
            connect_args={"options": options, **_patience(server_patience_s)},
            pool_pre_ping=True,
            pool_size=size or _USUAL_SIZE,
            max_overflow=_USUAL_OVERFLOW if size is None else 0,
            pool_timeout=patience_s,
        )

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a connection whose transaction commits when the block ends and rolls back when it raises."""
        with translated_errors(), self._taken() as connection, connection.begin():
            yield connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open a connection for reading; nothing is committed."""
        with translated_errors(), self._taken() as connection:
            yield connection

    @property
    def use(self) -> PoolUse:
        """How far the connections are used."""
        return PoolUse(self._name, self._size, self._in_use, self._waits.waiting)

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @property
    def _in_use(self) -> int:
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

    def _taken(self) -> Connection:
        """Take a connection; who finds none free is counted while waiting."""
        if self._in_use < self._size:
            return self.engine.connect()
        with self._waits.one():
            return self.engine.connect()


def _patience(seconds: int | None) -> dict[str, int]:
    """Return libpq's settings for a server that does not answer, while connecting and afterwards."""
    return {} if seconds is None else {"connect_timeout": seconds, "tcp_user_timeout": 1_000 * seconds}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the project's errors in place of the driver's.

    Raises:
        UnavailableError: a statement took longer than it may, or no connection became free.
        DatabaseError: the server cannot be reached or ended the connection.
        ConflictError: a unique or check constraint forbids the change.
        InputError: a value does not fit its column's type.
    """
    try:
        yield
    except _TRANSLATED as error:
        raise meaning(error) from error


def meaning(error: Exception) -> SosError:
    """Return the project's error for one of the driver's, SQLAlchemy's or the pool's."""
    origin = getattr(error, "orig", None) or error
    first_line = str(origin).strip().split("\n", maxsplit=1)[0]
    if isinstance(origin, psycopg.errors.QueryCanceled):
        return UnavailableError("the answer took longer than it may: ask for less")
    if isinstance(origin, exc.TimeoutError | PoolTimeout):
        return UnavailableError("every database connection is busy: ask again in a moment")
    if isinstance(origin, psycopg.IntegrityError | exc.IntegrityError):
        return ConflictError(f"the database refused the change: {first_line}")
    if isinstance(origin, psycopg.DataError):
        return InputError(f"the database cannot take a value: {first_line}")
    return DatabaseError(f"the database cannot be reached or stopped answering: {first_line}")


def driver_connection(connection: Connection) -> psycopg.Connection[tuple[object, ...]]:
    """Return the psycopg connection under a SQLAlchemy one, in the same transaction (for COPY)."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
