"""Measurements as arrays for calibration and combination, and the snapshot of the data that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.storage import bulk
from app.storage.queries import queries

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


def linked_measurements(connection: Connection, survey_id: int) -> Columns:
    """Return the measurements of a survey whose stars other surveys saw too, in star order."""
    return bulk.copy_out(connection, queries("calibration")["linked_measurements"], {"survey_id": survey_id})


def typical_errors(connection: Connection, survey_id: int) -> list[float | None]:
    """Return the survey's median error in Teff, log g and [Fe/H], None where it gives none."""
    row = connection.exec_driver_sql(queries("calibration")["typical_errors"], {"survey_id": survey_id}).one()
    return [None if value is None else float(value) for value in row]


def surveys_with_measurements(connection: Connection) -> dict[str, int]:
    """Return the numbers of the surveys that hold measurements, by name."""
    rows = connection.exec_driver_sql(queries("calibration")["surveys_with_measurements"])
    return {row.name: row.survey_id for row in rows}


def data_snapshot(connection: Connection) -> dict[str, Any]:
    """Return every survey's files with checksums and row counts."""
    snapshot: dict[str, Any] = {}
    for row in connection.exec_driver_sql(queries("calibration")["inputs"]):
        fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the mapping begins with an underscore
        snapshot.setdefault(fields.pop("name"), []).append(fields)
    return snapshot


def measurements_by_star(connection: Connection, *, rows: int) -> Iterator[Columns]:
    """Yield all matched measurements in star order, in blocks of about `rows` that never divide a star."""
    rest: Columns | None = None
    for block in bulk.copy_out_blocks(connection, queries("calibration")["measurements_by_star"], rows=rows):
        whole = block if rest is None else {name: np.concatenate([rest[name], block[name]]) for name in block}
        star = whole["star_id"]
        if len(star) == 0:
            return
        cut = int(np.searchsorted(star, star[-1], side="left"))
        yield {name: column[:cut] for name, column in whole.items()}
        rest = {name: column[cut:] for name, column in whole.items()}
    if rest is not None and len(rest["star_id"]):
        yield rest


def count_matches(connection: Connection) -> int:
    """Return how many measurements belong to a star."""
    return int(connection.exec_driver_sql(queries("calibration")["count_matches"]).scalar_one())


def validation_rows(connection: Connection, version_id: int) -> Columns:
    """Return raw and calibrated values of the test stars that two surveys saw, in star order."""
    return bulk.copy_out(connection, queries("calibration")["validation_rows"], {"version_id": version_id})


def kiel_rows(connection: Connection, version_id: int, *, most: int) -> Columns:
    """Return raw and calibrated parameters of about `most` measurements of each survey, of test stars in its domain."""
    return bulk.copy_out(connection, queries("calibration")["kiel_rows"], {"version_id": version_id, "most": most})


def count_measurements(connection: Connection) -> int:
    """Return how many measurements there are."""
    return int(connection.exec_driver_sql(queries("calibration")["count_measurements"]).scalar_one())
