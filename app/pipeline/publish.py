"""Publishing: one pointer moves in one transaction, and readers see the old version or the new one whole."""

from __future__ import annotations

from app.domain.errors import ConflictError
from app.storage import versions
from app.storage.engine import Database


def publish(database: Database, version_id: int) -> int | None:
    """Serve a version from now on; return the one that was served before.

    Raises:
        UnknownVersionError: there is no such version.
        ConflictError: the version is not complete.
    """
    with database.begin() as connection:
        return versions.publish(connection, version_id)


def rollback(database: Database, version_id: int | None = None) -> int:
    """Serve an earlier version again, by default the one before the present one; return its number.

    Raises:
        UnknownVersionError: there is no such version.
        ConflictError: it is not complete, or nothing was served before.
    """
    with database.begin() as connection:
        target = versions.previous(connection) if version_id is None else version_id
        if target is None:
            raise ConflictError("no version was published before the present one")
        versions.publish(connection, target, action="rollback")
        return target
