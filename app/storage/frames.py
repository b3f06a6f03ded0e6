"""Measurements as arrays for calibration and combination, and the snapshot of the data that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.storage import bulk
from app.storage.queries import queries

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
BEYOND = 2**63 - 1
"""Above every star's number."""


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


def data_state(connection: Connection) -> str:
    """Return a name for measurements and stars as they are; it changes with every file and every cross-match."""
    return str(connection.exec_driver_sql(queries("calibration")["data_state"]).scalar_one())


def star_ranges(connection: Connection, *, rows: int) -> list[tuple[int, int]]:
    """Return ranges of star numbers (first, below) that hold all stars, with about `rows` measurements in each."""
    found = connection.exec_driver_sql(queries("calibration")["star_ranges"], {"rows": rows}).scalars()
    firsts = [int(first) for first in found]
    return list(zip(firsts, [*firsts[1:], BEYOND], strict=False))


def measurements_of_stars(connection: Connection, stars: tuple[int, int]) -> Columns:
    """Return all matched measurements of a range of star numbers (first, below), in star order."""
    parameters = {"first": stars[0], "after": stars[1]}
    return bulk.copy_out(connection, queries("calibration")["measurements_of_stars"], parameters)


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


def any_within(connection: Connection, limits: Mapping[str, Any]) -> bool:
    """Return whether a measurement of a survey (`survey_id`) lies within limits `snr_min` ... `feh_max`."""
    return bool(connection.exec_driver_sql(queries("calibration")["any_within"], dict(limits)).scalar_one())


def stars_in_common(connection: Connection, survey_ids: Sequence[int]) -> dict[int, int]:
    """Return how many stars each survey has in common with another one of the list, blends left out."""
    rows = connection.exec_driver_sql(queries("calibration")["stars_in_common"], {"surveys": list(survey_ids)})
    return {row[0]: row[1] for row in rows}
