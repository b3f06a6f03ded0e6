"""Who may administer the service, and what is on record about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """What a key allows."""

    CALIBRATE = "calibrate"
    PUBLISH = "publish"
    INGEST = "ingest"
    ADMIN = "admin"

    def within(self, scopes: Iterable[Scope]) -> bool:
        """Whether scopes hold this one; `admin` holds every other.

        >>> Scope.PUBLISH.within([Scope.ADMIN]), Scope.ADMIN.within([Scope.PUBLISH])
        (True, False)
        """
        return not {self, Scope.ADMIN}.isdisjoint(scopes)


@dataclass(frozen=True)
class AccessKey:
    """A key, without its secret.

    Attributes:
        key_id: its number, which is also part of its text.
        name: whose it is, or what for.
        scopes: what it allows.
        created_at: when it was made.
        created_by: the key that made it; None for the command line.
        expires_at: from when on it is of no use; None for never.
        revoked_at: since when it is of no use; None while it is not revoked.
        last_used_at: its last use that was not refused.
    """

    key_id: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    created_by: int | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return `revoked`, `expired` or `usable`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "usable"


@dataclass(frozen=True)
class IssuedKey:
    """A key that was just made: `text` is what its holder sends, and is kept nowhere."""

    key: AccessKey
    text: str = field(repr=False)


class Actor(StrEnum):
    """Who acted."""

    KEY = "key"
    COMMAND_LINE = "command line"
    NOBODY = "nobody"


class Outcome(StrEnum):
    """What became of an action: a refused one was not allowed, a failed one was and did not come to its end."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What goes on record.

    Attributes:
        actor: who acted.
        action: what was done, as `version.publish`.
        outcome: what became of it.
        target: what it was done to, as `version 7`.
        parameters: how, as the request or command said.
        key_id: the key that was used; None where none was recognised.
        key_name: its name, or the account on the command line; None where nobody was recognised.
        status: HTTP status of the answer; None on the command line.
        detail: why it was refused or failed.
        client: address that the request came from.
    """

    actor: Actor
    action: str
    outcome: Outcome
    target: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key_id: int | None = None
    key_name: str | None = None
    status: int | None = None
    detail: str | None = None
    client: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEvent(AuditEntry):
    """What is on record: an entry with its number, which rises, and its time."""

    event_id: int
    at: datetime
