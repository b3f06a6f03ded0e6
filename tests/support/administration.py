"""Keys of every kind, what a database holds, and what was put on record."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from app.domain.access import AuditEvent
from app.services.access import Access
from app.services.audit import Audit
from app.storage.engine import Database

_addresses = itertools.count()


def bearer(key: str) -> dict[str, str]:
    """Return the header that presents a key."""
    return {"Authorization": f"Bearer {key}"}


def address() -> str:
    """Return a client address that no request came from yet."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def make_key(database: Database, *scopes: str, name: str = "tester") -> str:
    """Make a key and return its text."""
    return Access(database).create(name, scopes).text


def expired_key(database: Database, *scopes: str) -> str:
    """Make a key that ended a moment ago."""
    issued = Access(database).create("late", scopes)
    change(database, f"UPDATE access_key SET expires_at = now() WHERE key_id = {issued.key.key_id}")
    return issued.text


def revoked_key(database: Database, *scopes: str) -> str:
    """Make a key that is revoked."""
    access = Access(database)
    issued = access.create("gone", scopes)
    access.revoke(issued.key.key_id)
    return issued.text


def with_other_secret(key: str) -> str:
    """Return a key of the same number whose secret differs in its first character."""
    head, number, secret = key.split("_", maxsplit=2)
    return f"{head}_{number}_{'B' if secret[0] == 'A' else 'A'}{secret[1:]}"


def change(database: Database, statement: str) -> None:
    """Run a statement."""
    with database.begin() as connection:
        connection.execute(text(statement))


def events(database: Database, **asked: Any) -> list[AuditEvent]:
    """Return what is on record, newest first."""
    return Audit(database).page(limit=1000, **asked)[0]


def contents(database: Database) -> Mapping[str, list[str]]:
    """Return every row of every table as text, the audit and the queue's own tables left out."""
    with database.connect() as connection:
        names = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
        ).scalars()
        return {
            name: sorted(connection.execute(text(f'SELECT row_to_json(t)::text FROM "{name}" AS t')).scalars())
            for name in names
            if name not in {"audit", "alembic_version"}
        }
