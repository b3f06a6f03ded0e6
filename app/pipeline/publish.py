"""Publishing: one pointer moves in one transaction, and readers see the old version or the new one whole."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.domain.versions import Version
from app.storage import versions
from app.storage.engine import Database

FORCED = "publish --force"


def publish(database: Database, version_id: int, *, force: bool = False) -> int | None:
    """Serve a version from now on; return the one that was served before.

    A version that does not keep the gate of its plan is refused; `force` serves it all the same, and the record of
    publications says so.

    Raises:
        UnknownVersionError: there is no such version.
        ConflictError: the version is not complete, or fails its gate; the message names every limit and number.
    """
    with database.begin() as connection:
        return publish_in(connection, version_id, force=force)


def publish_in(connection: Connection, version_id: int, *, force: bool = False) -> int | None:
    """Publish as `publish` does, in the caller's transaction."""
    objections = gate_objections(versions.get(connection, version_id))
    if objections and not force:
        reasons = "\n".join(f"  {objection}" for objection in objections)
        raise ConflictError(f"version {version_id} fails the gate of its plan (--force serves it):\n{reasons}")
    return versions.publish(connection, version_id, action=FORCED if objections else "publish")


def rollback(database: Database, version_id: int | None = None) -> int:
    """Serve an earlier version again, by default the one before the present one; return its number.

    Raises:
        UnknownVersionError: there is no such version.
        ConflictError: it is not complete, nothing was served before, or it was never served and fails its gate.
    """
    with database.begin() as connection:
        return rollback_in(connection, version_id)


def rollback_in(connection: Connection, version_id: int | None = None) -> int:
    """Roll back as `rollback` does, in the caller's transaction."""
    target = versions.previous(connection) if version_id is None else version_id
    if target is None:
        raise ConflictError("no version was published before the present one")
    version = versions.get(connection, target)
    if version.published_at is None and gate_objections(version):
        raise ConflictError(f"version {target} was never served and fails the gate of its plan: publish it")
    versions.publish(connection, target, action="rollback")
    return target


def gate_objections(version: Version) -> list[str]:
    """Return what the gate of a version's plan has against it, a line each; nothing where the plan sets no gate."""
    if not version.plan.get("gate") or not version.state.readable:
        return []
    if version.report is None:
        return ["it has not been validated: run `sos validate`"]
    gate = version.report.get("gate", {})
    return [failure["text"] for failure in gate.get("failures", ())]
