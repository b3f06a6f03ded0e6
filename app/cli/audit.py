"""`sos audit`: who did what, and when; and how commands of administration get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.domain.access import AuditEvent
    from app.storage.engine import Database


def audit(
    *,
    limit: Annotated[int, typer.Option(help="Events at most.", min=1, max=10_000)] = 50,
    action: Annotated[str | None, typer.Option(help="Only this action, such as version.publish.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what was done and tried in administration, newest first."""
    from app.services.audit import Audit

    with context.open_database() as database:
        events, after = Audit(database).page(limit=limit, action=action)
    context.emit([_row(event, whole=json) for event in events], json=json)
    if after is not None:
        context.say(f"there is more than these {limit} events: --limit")


@dataclass
class Command:
    """A command of administration that is under way: what it is done to, and how."""

    target: str | None
    parameters: dict[str, Any] = field(default_factory=dict)


@contextmanager
def on_record(
    database: Database, action: str, target: str | None = None, parameters: Mapping[str, Any] | None = None
) -> Iterator[Command]:
    """Put a command of administration on record when the block ends: as done, or as failed with its error.

    Args:
        database: where the record is.
        action: what is done, as `version.publish`.
        target: what it is done to, as `version 7`.
        parameters: how; what is None is left out.

    Yields:
        The command; the block may set its target and add to its parameters.
    """
    from app.domain.access import Outcome
    from app.services.audit import record

    given = {name: value for name, value in (parameters or {}).items() if value is not None}
    command = Command(target, given)
    outcome, detail = Outcome.DONE, None
    try:
        yield command
    except BaseException as error:
        outcome, detail = Outcome.FAILED, str(error) or type(error).__name__
        raise
    finally:
        with database.begin() as connection:
            record(connection, action, command.target, command.parameters, outcome=outcome, detail=detail)


def _row(event: AuditEvent, *, whole: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event_id": str(event.event_id),
        "at": event.at.isoformat(timespec="seconds"),
        "actor": str(event.actor),
        "key": event.key_id,
        "name": event.key_name,
        "action": event.action,
        "target": event.target,
        "outcome": str(event.outcome),
        "status": event.status,
        "client": event.client,
        "detail": event.detail,
    }
    return {**row, "parameters": dict(event.parameters)} if whole else row
