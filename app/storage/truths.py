"""A version's values beside the truth of a simulated sky; nothing of the truth stays in the database."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from app.storage import bulk
from app.storage.queries import queries

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


def calibrated_with_truth(
    connection: Connection, version_id: int, survey_id: np.ndarray[Any, Any], object_id: pa.ChunkedArray
) -> Columns:
    """Return every calibrated measurement of a version in star order, with the `place` of its truth.

    Args:
        connection: in a transaction, whose end drops the temporary table that the join needs.
        version_id: the version.
        survey_id: numbers of the surveys of the rows of truth, (n,); 0 for those that are not here.
        object_id: the surveys' own identifiers, n.

    Returns:
        Columns; `place` counts the rows of truth from 1 and is 0 where a measurement has none.
    """
    here = np.flatnonzero(survey_id)
    connection.exec_driver_sql(queries("truth")["create_truth_row"])
    columns = {"survey_id": survey_id[here], "object_id": object_id.take(pa.array(here)), "place": here + 1}
    bulk.copy_in(connection, "truth_row", columns)
    connection.exec_driver_sql(queries("truth")["analyze_truth_row"])
    return bulk.copy_out(connection, queries("truth")["calibrated_with_truth"], {"version_id": version_id})


def homogenized_values(connection: Connection, version_id: int) -> Columns:
    """Return values and intervals of all stars of a version, in star order."""
    return bulk.copy_out(connection, queries("truth")["homogenized_values"], {"version_id": version_id})
