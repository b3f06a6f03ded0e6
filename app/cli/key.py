"""`sos key`: the keys to administration over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import audit, context

if TYPE_CHECKING:
    from app.domain.access import AccessKey

app = typer.Typer(help="Keys to administration over HTTP: make, list, revoke.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    scope: Annotated[list[str], typer.Option(help="What it allows: calibrate, publish, ingest, or admin for all.")],
    expires_in_days: Annotated[int | None, typer.Option(help="Days until it ends.", min=1, max=36_500)] = None,
    *,
    json: AsJson = False,
) -> None:
    """Make a key and print it, this once: nobody can read it again."""
    from app.services.access import Access

    end = None if expires_in_days is None else datetime.now(UTC) + timedelta(days=expires_in_days)
    asked = {"name": name, "scopes": scope, "expires_in_days": expires_in_days}
    with context.open_database() as database, audit.on_record(database, "key.create", parameters=asked) as event:
        issued = Access(database).create(name, scope, end)
        event.target = f"key {issued.key.key_id}"
    context.emit({**_row(issued.key), "key": issued.text} if json else issued.text, json=json)
    context.say(
        f"This is key {issued.key.key_id}; keep it, it is shown only once. Calls of administration take it as\n"
        "  Authorization: Bearer KEY"
    )


@app.command("list")
def list_keys(*, json: AsJson = False) -> None:
    """List the keys, newest first, without their secrets."""
    from app.services.access import Access

    with context.open_database() as database:
        found = Access(database).list_all()
    context.emit([_row(key) for key in found], json=json)


@app.command()
def revoke(
    key_id: Annotated[int, typer.Argument(metavar="ID", help="Number of the key, as `sos key list` has it.")],
) -> None:
    """Make a key useless from now on."""
    from app.services.access import Access

    with context.open_database() as database, audit.on_record(database, "key.revoke", f"key {key_id}"):
        key = Access(database).revoke(key_id)
    context.say(f"key {key_id} ({key.name}) is revoked")


def _row(key: AccessKey) -> dict[str, Any]:
    times = {
        name: moment.isoformat(timespec="seconds") if moment else None
        for name, moment in (
            ("created", key.created_at),
            ("expires", key.expires_at),
            ("revoked", key.revoked_at),
            ("last_used", key.last_used_at),
        )
    }
    scopes = [str(scope) for scope in key.scopes]
    state = key.state(datetime.now(UTC))
    return {"key_id": key.key_id, "name": key.name, "state": state, "scopes": scopes, **times}
