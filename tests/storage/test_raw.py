"""Names and types of raw tables; rows as JSON."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from app.domain.errors import TableError
from app.storage import raw
from app.storage.engine import Database
from app.storage.json_text import lists_as_json, rows_as_json


def test_names_are_kept_where_they_can_be() -> None:
    assert raw.column_names("f", ["RA", "ra", "a b", "ingestion_id"]) == {
        "RA": "RA",
        "ra": "ra",
        "a b": "a b",
        "ingestion_id": "ingestion_id_1",
    }
    long = "α" * 40
    names = raw.column_names("f", [long + "1", long + "2"])
    assert len(set(names.values())) == 2
    assert all(len(name.encode()) <= 63 for name in names.values())
    with pytest.raises(TableError, match="f: has 1501 columns; at most 1500"):
        raw.column_names("f", [f"c{n}" for n in range(1_501)])


def test_every_arrow_type_finds_a_column(database: Database) -> None:
    columns = {
        "truth": pa.array([True, None]),
        "tiny": pa.array([200, None], pa.uint8()),
        "large": pa.array([2**64 - 1, None], pa.uint64()),
        "half": pa.array(np.array([1.5, 2.0], np.float16)),
        "word": pa.array(["a", None]).dictionary_encode(),
        "day": pa.array([date(2026, 1, 2), None], pa.date32()),
        "moment": pa.array(["2026-01-02T03:04:05", None]).cast(pa.timestamp("s")),
        "many": pa.array([[1.5, float("nan"), None], None], pa.list_(pa.float64())),
        "words": pa.array([['say "x"', None], []], pa.list_(pa.string())),
        "both": pa.array([{"a": 1}, None]),
    }
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    with database.begin() as connection:
        table = raw.ensure(connection, "any", batch.schema, file="f")
        raw.append(connection, table, 1, batch, numbers=np.array([1, 2]), row_numbers=np.array([1, 2]))
        raw.close(connection, table)
        rows = connection.execute(text("SELECT * FROM raw.any ORDER BY measurement_id")).all()
    assert tuple(rows[0][3:]) == (
        *(True, 200, "18446744073709551615", 1.5, "a", "2026-01-02", "2026-01-02 03:04:05"),
        *("[1.5,null,null]", '["say \\"x\\"",null]', "{'a': 1}"),
    )
    assert tuple(rows[1][3:]) == (None, None, None, 2.0, None, None, None, None, "[]", None)


def test_rows_are_json_objects() -> None:
    batch = pa.RecordBatch.from_pydict(
        {'odd "name"': ["\\ \n \x1f é", None], "n": [2**62, None], "x": [float("inf"), 0.5], "v": [[1], None]}
    )
    found = [json.loads(row) for row in rows_as_json(batch).to_pylist()]
    assert found == [
        {'odd "name"': "\\ \n \x1f é", "n": 2**62, "x": None, "v": [1]},
        {'odd "name"': None, "n": None, "x": 0.5, "v": None},
    ]


def test_slices_of_lists_are_their_own() -> None:
    lists = pa.array([[1], [2, 3], None, [], [4]])
    assert lists_as_json(lists[1:4]).to_pylist() == ["[2,3]", None, "[]"]
    fixed = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2)
    assert lists_as_json(fixed[1:]).to_pylist() == ["[3,4]"]
