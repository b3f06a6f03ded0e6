"""Shapes of requests and answers about keys, and about what is on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from app.domain.access import AccessKey, AuditEvent, IssuedKey, Scope
from app.services.access import LONGEST_NAME

LONGEST_DAYS = 36_500


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "nightly calibration", "scopes": ["calibrate"], "expires_in_days": 365},
        },
    )

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="whose it is, or what for")
    scopes: list[Scope] = Field(min_length=1, description="what it allows; `admin` holds all others")
    expires_at: AwareDatetime | None = Field(None, description="from when on it is of no use, with the zone")
    expires_in_days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description="the same, counted from now")

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.expires_at is not None and self.expires_in_days is not None:
            raise ValueError("expires_at and expires_in_days are two ways to say the same: give one")
        return self

    def end(self, now: datetime) -> datetime | None:
        """Return from when on the key is of no use, None for never."""
        return self.expires_at if self.expires_in_days is None else now + timedelta(days=self.expires_in_days)


class KeyAnswer(TypedDict):
    """A key, without its secret."""

    key_id: int
    name: str
    scopes: list[str]
    state: Annotated[str, Field(description="usable, expired or revoked")]
    created_at: datetime
    created_by: Annotated[int | None, Field(description="key that made it; null for the command line")]
    expires_at: Annotated[datetime | None, Field(description="null for never")]
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="its last use that was not refused")]


class NewKeyAnswer(KeyAnswer):
    """A key that was just made."""

    key: Annotated[str, Field(description="what its holder sends; it is shown here and never again")]


class KeyList(TypedDict):
    """Every key, newest first."""

    keys: list[KeyAnswer]


class EventAnswer(TypedDict):
    """Something that was done, or tried."""

    event_id: str
    at: datetime
    actor: Annotated[str, Field(description="key, command line or nobody")]
    key_id: Annotated[int | None, Field(description="null where none was recognised")]
    key_name: Annotated[str | None, Field(description="of the key, or the account on the command line")]
    action: str
    target: str | None
    parameters: dict[str, Any]
    outcome: Annotated[str, Field(description="done; refused: not allowed; failed: allowed, and went wrong")]
    status: Annotated[int | None, Field(description="HTTP status; null on the command line")]
    detail: Annotated[str | None, Field(description="why it was refused or failed")]
    client: Annotated[str | None, Field(description="address")]


class AuditPage(TypedDict):
    """A page of the record, newest first."""

    count: Annotated[int, Field(description="events on this page")]
    truncated: Annotated[bool, Field(description="there are more events: follow `next`")]
    next: Annotated[str | None, Field(description="URL of the next page")]
    events: list[EventAnswer]


def key_answer(key: AccessKey) -> KeyAnswer:
    """Return the answer that describes a key."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": [str(scope) for scope in key.scopes],
        "state": key.state(datetime.now(UTC)),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def new_key_answer(issued: IssuedKey) -> NewKeyAnswer:
    """Return the one answer that holds the text of a key."""
    return {**key_answer(issued.key), "key": issued.text}


def event_answer(event: AuditEvent) -> EventAnswer:
    """Return the answer that describes an event."""
    return {
        "event_id": str(event.event_id),
        "at": event.at,
        "actor": str(event.actor),
        "key_id": event.key_id,
        "key_name": event.key_name,
        "action": event.action,
        "target": event.target,
        "parameters": dict(event.parameters),
        "outcome": str(event.outcome),
        "status": event.status,
        "detail": event.detail,
        "client": event.client,
    }
