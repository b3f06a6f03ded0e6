"""External scales in the database, and which stars of a version they speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert

from app.domain.references import ReferenceFile
from app.storage import bulk
from app.storage.bulk import Column
from app.storage.queries import queries
from app.storage.tables.references import ReferenceFileRow

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
_SQL = queries("references")


def replace(connection: Connection, file: ReferenceFile, table: str, columns: Mapping[str, Column]) -> None:
    """Put a reference table in the place of what its source had before.

    Args:
        connection: in whose transaction this happens.
        file: what was loaded.
        table: where its rows go: reference_star, reference_cluster or reference_member.
        columns: its rows, without their source.
    """
    connection.exec_driver_sql(_SQL["forget"], {"source": file.source})
    values = asdict(file)
    del values["loaded_at"], values["repeated"]
    connection.execute(insert(ReferenceFileRow).values(values))
    source = np.full(file.rows_stored, file.source, dtype=object)
    bulk.copy_in(connection, table, {"source": source, **columns})


def files(connection: Connection) -> list[ReferenceFile]:
    """Return the reference tables that are loaded."""
    return [ReferenceFile(**row) for row in connection.exec_driver_sql(_SQL["files"]).mappings()]


def stars(connection: Connection, source: str) -> Columns:
    """Return the stars of a reference table; ids that it does not give are 0."""
    return bulk.copy_out(connection, _SQL["stars"], {"source": source})


def clusters(connection: Connection, kind: str) -> Columns:
    """Return the clusters of a kind, open or globular."""
    return bulk.copy_out(connection, _SQL["clusters"], {"kind": kind})


def members(connection: Connection) -> Columns:
    """Return the members of all clusters, `row_number` rising from 1."""
    return bulk.copy_out(connection, _SQL["members"])


def candidates_for_stars(connection: Connection, source: str, version_id: int, *, radius_arcsec: float) -> Columns:
    """Return which stars of a version may be which row of a reference table, by id and by position."""
    given = {"source": source, "version_id": version_id, "radius_deg": radius_arcsec / 3600}
    return _both(connection, "stars", given)


def candidates_for_members(connection: Connection, version_id: int, *, radius_arcsec: float) -> Columns:
    """Return which stars of a version may be which member of a cluster, by id and by position."""
    return _both(connection, "members", {"version_id": version_id, "radius_deg": radius_arcsec / 3600})


def _both(connection: Connection, what: str, given: Mapping[str, object]) -> Columns:
    parts = [bulk.copy_out(connection, _SQL[f"{what}_{how}"], given) for how in ("by_identifier", "by_position")]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def around_clusters(connection: Connection, kind: str, version_id: int, *, radius_deg: float) -> Columns:
    """Return the stars of a version around the centres of the clusters of a kind, with their distance in degrees."""
    given = {"kind": kind, "version_id": version_id, "radius_deg": radius_deg}
    return bulk.copy_out(connection, _SQL["around_clusters"], given)


def calibrated_rows(connection: Connection, version_id: int, star_id: Sequence[int]) -> Columns:
    """Return reported and calibrated values of all measurements of some stars."""
    return bulk.copy_out(connection, _SQL["calibrated_rows"], {"version_id": version_id, "stars": list(star_id)})


def homogenized_rows(connection: Connection, version_id: int, star_id: Sequence[int]) -> Columns:
    """Return the combined values of some stars."""
    return bulk.copy_out(connection, _SQL["homogenized_rows"], {"version_id": version_id, "stars": list(star_id)})
