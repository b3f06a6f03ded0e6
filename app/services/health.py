"""Whether the service can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from app.domain.errors import SosError
from app.storage import migrate, steps, versions
from app.storage.engine import Database


@dataclass(frozen=True)
class Readiness:
    """What the service found; it is ready where there is no problem. It answers without workers, but no job runs."""

    schema: str | None
    expected_schema: str
    version: int | None
    problems: tuple[str, ...]
    workers: int | None = None
    worker_seen_at: datetime | None = None


class Health:
    """Looks whether the database answers, has this code's schema, and holds something to serve."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def readiness(self) -> Readiness:
        """Return whether requests can be answered, and if not, why."""
        expected = _expected()
        try:
            with self._database.connect() as connection:
                schema = migrate.current_revision(connection)
                if schema != expected:
                    return Readiness(schema, expected, None, tuple(_problems(schema, expected, None)))
                version = versions.current(connection)
                workers, seen_at = steps.workers(connection)
        except SosError as error:
            return Readiness(None, expected, None, (str(error),))
        return Readiness(schema, expected, version, tuple(_problems(schema, expected, version)), workers, seen_at)


def _problems(schema: str | None, expected: str, version: int | None) -> list[str]:
    if schema != expected:
        return [f"the database has schema {schema or 'none'}, this code needs {expected}: run `sos migrate`"]
    if version is None:
        return ["no calibration version has been published yet: run `sos publish VERSION`"]
    return []


@cache
def _expected() -> str:
    return migrate.expected_revision()
