"""Puts survey rows into the database, as an ingestion would, and reads back which of them are one star."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import text

from app.storage import measurements
from app.storage.engine import Database

ADD_SURVEY = """
    INSERT INTO survey (name, title, release, citation) VALUES (:name, :name, 'DR1', 'nobody')
    ON CONFLICT (name) DO UPDATE SET title = excluded.title RETURNING survey_id
"""
ADD_INGESTION = """
    INSERT INTO ingestion (survey_id, file_name, file_sha256, file_bytes, file_format, descriptor, descriptor_sha256,
                           rows_read, rows_stored, rows_rejected, started_at, finished_at)
    VALUES (:survey_id, 'file', gen_random_uuid()::text, 1, 'csv',
            jsonb_build_object('position', jsonb_build_object('match_radius_arcsec', (:radius)::float8)),
            'd', :rows, :rows, 0, now(), now())
    RETURNING ingestion_id
"""
GROUPS = """
    SELECT star.identity, star.star_id, star.split, s.name || ':' || m.object_id AS object, x.ambiguous
    FROM match x JOIN measurement m USING (measurement_id) JOIN survey s ON s.survey_id = m.survey_id
    JOIN star USING (star_id)
"""
FLOATS = ("g_mag", "bp_mag", "rp_mag", "k_mag", "pm_ra_cosdec_masyr", "pm_dec_masyr")
Rows = Mapping[str, Any]


def add_rows(database: Database, survey: str, rows: Rows, *, radius: float = 3.0) -> int:
    """Add rows (columns of the table `measurement`; what is left out is unknown); return the survey's number."""
    count = len(rows["ra"])
    columns: dict[str, Any] = {
        "row_number": np.arange(1, count + 1),
        "epoch_jyear": np.full(count, 2000.0),
        "excluded": np.zeros(count, np.int16),
        "failed_cuts": np.zeros(count, np.int64),
        **rows,
    }
    columns["object_id"] = np.array([str(name) for name in columns["object_id"]], object)
    for name in ("gaia_dr3", "gaia_dr2"):
        ids = np.asarray(columns.get(name, np.zeros(count)), np.int64)
        columns[name] = np.ma.masked_equal(ids, 0)
    with database.begin() as connection:
        survey_id = int(connection.execute(text(ADD_SURVEY), {"name": survey}).scalar_one())
        values = {"survey_id": survey_id, "rows": count, "radius": radius}
        ingestion_id = int(connection.execute(text(ADD_INGESTION), values).scalar_one())
        partition = measurements.open_partition(connection, survey_id, survey)
        measurements.append(connection, partition, ingestion_id, columns)
        measurements.close_partition(connection, partition)
    return survey_id


def stars_of(database: Database) -> dict[str, set[str]]:
    """Return the objects (`SURVEY:OBJECT`) of each star by its identity."""
    found: dict[str, set[str]] = {}
    with database.connect() as connection:
        for row in connection.execute(text(GROUPS)):
            found.setdefault(row.identity, set()).add(row.object)
    return found


def star_of_objects(database: Database) -> dict[str, tuple[int, str, int]]:
    """Return number, identity and split of the star of each object."""
    with database.connect() as connection:
        return {row.object: (row.star_id, row.identity, row.split) for row in connection.execute(text(GROUPS))}
