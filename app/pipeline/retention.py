"""Which versions are kept: the published one always, beside it the newest complete ones."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from app.domain.versions import Version, VersionState
from app.storage import exports, user_surveys, version_tables, versions
from app.storage.engine import Database

LET_GO = {VersionState.READY, VersionState.RETIRED}


def beyond(kept: Sequence[Version], *, keep: int) -> list[int]:
    """Return which versions go: of the complete ones that are not published, all but the newest `keep`."""
    complete = sorted((one.version_id for one in kept if one.state in LET_GO), reverse=True)
    return sorted(complete[keep:])


def due(connection: Connection, *, keep: int, export_days: int) -> bool:
    """Return whether there is a version to be removed, or a user's table or an exported file past its time."""
    expired = user_surveys.any_expired(connection) or exports.any_expired(connection, days=export_days)
    return expired or bool(beyond(versions.list_all(connection), keep=keep))


def remove_versions(database: Database, *, keep: int) -> list[int]:
    """Remove the catalogue of versions that are not kept; what they were made of and how good they were stays.

    Readers of other versions never wait: a partition is detached without a lock on the whole, and dropped alone.
    """
    with database.connect() as connection:
        wanted = beyond(versions.list_all(connection), keep=keep)
    removed = []
    for version_id in wanted:
        with database.begin() as connection:
            if not versions.remove(connection, version_id, f"only the newest {keep} complete versions are kept"):
                continue
        with database.connect() as connection:
            version_tables.detach(connection.execution_options(isolation_level="AUTOCOMMIT"), version_id)
        with database.begin() as connection:
            version_tables.drop(connection, version_id)
        removed.append(version_id)
    return removed
