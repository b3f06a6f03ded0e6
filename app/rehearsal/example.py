"""A table of two stars, with a column of every kind, and one value missing in each."""

from __future__ import annotations

import pyarrow as pa

from app.domain.columns import Column, Kind

TABLE = pa.table(
    {
        "star_id": pa.array([1, None], pa.int64()),
        "ra": pa.array([10.5, 20.25], pa.float64()),
        "dec": pa.array([-1.5, 2.25], pa.float64()),
        "teff": pa.array([5777.0, None], pa.float32()),
        "flags": pa.array([3, None], pa.int32()),
        "split": pa.array([1, None], pa.int16()),
        "name": pa.array(["α", None], pa.string()),
        "good": pa.array([True, None], pa.bool_()),
    }
)
_KINDS = {pa.int64(): Kind.ID, pa.string(): Kind.TEXT, pa.bool_(): Kind.BOOLEAN, pa.float32(): Kind.REAL}
COLUMNS = tuple(Column(field.name, _KINDS.get(field.type, Kind.OTHER), "", None, None) for field in TABLE.schema)
FACTS = {"sos.version": "1", "sos.rows": str(TABLE.num_rows), "sos.citation": "none"}
