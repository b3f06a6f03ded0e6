"""Figures for who runs the service, read in one statement."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.figures import Figures
from app.storage.queries import queries
from app.storage.steps import SIGN_OF_LIFE_S

_SQL = queries("figures")


def read(connection: Connection, schema: str) -> Figures:
    """Return the figures of a database that has this code's schema."""
    row = connection.exec_driver_sql(_SQL["figures"], {"patience_s": SIGN_OF_LIFE_S}).one()
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the mapping begins with an underscore
    for name in ("jobs", "steps", "tap_jobs"):
        values[name] = {tuple(labels): count for *labels, count in values[name]}
    return Figures(schema, **values)
