"""What the ingested data can say of a survey's errors: what was declared, its repeats, and stars of three surveys."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.storage import bulk
from app.storage.queries import queries

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
Declared = dict[tuple[int, str], tuple[str, float, float]]


def declared(connection: Connection, survey_id: int) -> Declared:
    """Return kind, factor and floor of the errors by file and parameter, as the descriptors of the files had them."""
    rows = connection.exec_driver_sql(queries("error_models")["declared"], {"survey_id": survey_id})
    return {(row.ingestion_id, row.parameter): (row.kind, row.scale, row.floor) for row in rows}


def repeats(connection: Connection, survey_id: int) -> Columns:
    """Return the spectra of stars that a survey observed more than once, in star order."""
    return bulk.copy_out(connection, queries("error_models")["repeats"], {"survey_id": survey_id})


def seen_by_three(connection: Connection) -> Columns:
    """Return one spectrum of each survey for stars that three surveys or more saw, in star order."""
    return bulk.copy_out(connection, queries("error_models")["seen_by_three"], {})
