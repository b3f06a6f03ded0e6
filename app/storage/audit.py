"""The record of administration; it can only grow."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, RowMapping

from app.domain.access import Actor, AuditEntry, AuditEvent, Outcome
from app.storage import paging
from app.storage.queries import queries

_SQL = queries("audit")
_SECRET = re.compile(r"(sos_\d+_)[\w-]{8,}", re.ASCII)


def add(connection: Connection, entry: AuditEntry) -> int:
    """Put an entry on record and return its number; the secret of a key, wherever it stands in it, is left out."""
    values = {name: _storable(value) for name, value in vars(entry).items()}
    values["parameters"] = Jsonb(values["parameters"])
    return int(connection.exec_driver_sql(_SQL["add"], values).scalar_one())


def page(
    connection: Connection,
    *,
    limit: int,
    after: str | None = None,
    action: str | None = None,
    key_id: int | None = None,
    since: datetime | None = None,
) -> tuple[list[AuditEvent], str | None]:
    """Return a page of events, newest first, and the place after which the next one begins, None for the last page.

    Args:
        connection: where to ask.
        limit: events at most.
        after: place after which the page begins, as the page before gave it.
        action: only this action.
        key_id: only what this key did.
        since: only what happened then or later.

    Raises:
        ParameterError: `after` is not a place of this list.
    """
    before = None if after is None else paging.numbers(after)[0]
    asked = {"limit": limit, "before": before, "action": action, "key_id": key_id, "since": since}
    rows = connection.exec_driver_sql(_SQL["page"], asked).mappings().all()
    found = [_from_row(row) for row in rows[:limit]]
    return found, paging.token(found[-1].event_id) if len(rows) > limit else None


def _from_row(row: RowMapping) -> AuditEvent:
    return AuditEvent(**{**row, "actor": Actor(row["actor"]), "outcome": Outcome(row["outcome"])})


def _storable(value: Any) -> Any:
    """Return a value as PostgreSQL can keep it, without secrets: no NUL, no half characters, no numbers without end."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {_storable(str(name)): _storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_storable(part) for part in value]
    text = str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return _SECRET.sub(r"\1...", text)
