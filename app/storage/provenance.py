"""Everything that is on record about how a version was made."""

from __future__ import annotations

from sqlalchemy import Connection

from app.domain.provenance import Figure, Publication, VersionRecord
from app.domain.surveys import Ingestion
from app.storage import versions
from app.storage.queries import queries


def record_of(connection: Connection, version_id: int) -> VersionRecord:
    """Return the record of a version in whatever state.

    Raises:
        UnknownVersionError: there is no such version.
    """
    named, asked = queries("provenance"), {"version": version_id}
    return VersionRecord(
        version=versions.get(connection, version_id),
        models=tuple(versions.models(connection, version_id)),
        ingestions=tuple(Ingestion(*row) for row in connection.exec_driver_sql(named["ingestions"], asked)),
        figures=tuple(Figure(*row) for row in connection.exec_driver_sql(named["figures"], asked)),
        publications=tuple(Publication(*row) for row in connection.exec_driver_sql(named["publications"], asked)),
    )
