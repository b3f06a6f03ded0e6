"""What who runs the service watches in its database, asked for seldom enough to cost nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from app.domain.errors import SosError
from app.domain.figures import Figures
from app.storage import figures, migrate
from app.storage.engine import Database

KEPT_S = 5.0


@dataclass(frozen=True)
class Found:
    """The figures, None where the database did not give them, and the schema that this code needs."""

    figures: Figures | None
    expected_schema: str
    seconds: float


class DatabaseFigures:
    """Reads the figures of a database, and gives them again to who asks soon after.

    Args:
        database: a connection that waits for nothing for long.
        clock: seconds of a clock that never goes back.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._found: Found | None = None
        self._read_at = 0.0

    def read(self) -> Found:
        """Return the figures as they were at most five seconds ago, whatever the state of the database."""
        with self._lock:
            now = self._clock()
            if self._found is None or now - self._read_at >= KEPT_S:
                found = self._read()
                self._found, self._read_at = Found(found, _expected(), self._clock() - now), now
            return self._found

    def _read(self) -> Figures | None:
        try:
            with self._database.connect() as connection:
                schema = migrate.current_revision(connection)
                return figures.read(connection, schema) if schema == _expected() else Figures(schema)
        except (SosError, SQLAlchemyError):
            return None


@cache
def _expected() -> str:
    return migrate.expected_revision()
