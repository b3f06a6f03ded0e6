"""What is on record about administration, and how the command line puts itself there."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.domain.access import Actor, AuditEntry, AuditEvent, Outcome
from app.storage import access, audit
from app.storage.engine import Database


class Audit:
    """The record of administration; it can only grow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: AuditEntry) -> None:
        """Put an entry on record, in a transaction of its own, and note the use of its key unless it was refused."""
        with self._database.begin() as connection:
            audit.add(connection, entry)
            if entry.key_id is not None and entry.outcome is not Outcome.REFUSED:
                access.used(connection, entry.key_id)

    def page(
        self,
        *,
        limit: int,
        after: str | None = None,
        action: str | None = None,
        key_id: int | None = None,
        since: datetime | None = None,
    ) -> tuple[list[AuditEvent], str | None]:
        """Return a page of events, newest first, and the place after which the next one begins, None for the last page.

        Raises:
            ParameterError: `after` is not a place of this list.
        """
        with self._database.connect() as connection:
            return audit.page(connection, limit=limit, after=after, action=action, key_id=key_id, since=since)


def record(
    connection: Connection,
    action: str,
    target: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    outcome: Outcome = Outcome.DONE,
    detail: str | None = None,
) -> None:
    """Put something that was done on the command line on record, in the caller's transaction.

    Args:
        connection: in whose transaction this happens.
        action: what was done, as `version.publish`.
        target: what it was done to, as `version 7`.
        parameters: how.
        outcome: what became of it.
        detail: why it failed.
    """
    entry = AuditEntry(
        actor=Actor.COMMAND_LINE,
        key_name=_account(),
        action=action,
        target=target,
        parameters=parameters or {},
        outcome=outcome,
        detail=detail,
    )
    audit.add(connection, entry)


def _account() -> str:
    """Return the name of the account that this process runs under, or its number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
