from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from app.domain.errors import InputError
from app.storage import bulk
from app.storage.bulk import copy_in, copy_out, copy_out_blocks, copy_out_tuples
from app.storage.engine import Database, driver_connection

EVERY_TYPE = """
    CREATE TEMPORARY TABLE every_type (
        n bigint, small smallint, number integer, long bigint, single real, double double precision,
        yes boolean, word text, moment timestamptz, document jsonb
    )
"""
HUGE = 2**63 - 1


@pytest.fixture
def connection(database: Database):
    with database.connect() as open_connection:
        open_connection.execute(text(EVERY_TYPE))
        yield open_connection


def stored(connection: Connection, columns: str = "*") -> dict[str, np.ndarray]:
    return copy_out(connection, f"SELECT {columns} FROM every_type ORDER BY n")


def test_every_type_returns_as_it_went(connection: Connection) -> None:
    moments = np.array(["2026-01-02T03:04:05.678901", "1969-12-31T23:59:59", "NaT"], "datetime64[us]")
    columns = {
        "n": np.arange(3),
        "small": np.array([-32768, 0, 32767], np.int16),
        "number": np.array([-(2**31), 7, 2**31 - 1], np.int64),
        "long": np.array([-HUGE - 1, HUGE, HUGE - 1]),
        "single": np.array([1.5, -np.inf, 3e-39], np.float32),
        "double": np.array([np.pi, np.inf, 5e-324]),
        "yes": np.array([True, False, True]),
        "word": np.array(["α Centauri", "", "\N{SNOWMAN}" * 1000], object),
        "moment": moments,
        "document": np.array(['{"a": 1}', "null", '["é"]'], object),
    }
    assert copy_in(connection, "every_type", columns) == 3
    back = stored(connection)
    assert list(back) == list(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(back[name], values, err_msg=name)
    written = connection.execute(text("SELECT moment, document ->> 'a' FROM every_type ORDER BY n LIMIT 1")).one()
    assert written == (datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), "1")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, np.nan, np.inf, -np.inf, 1e-7]), "float8"),
        (np.random.default_rng(1).integers(0, 2**62, 1000).view(np.float64), "float8"),
        (np.array([HUGE, -HUGE - 1, 0]), "bigint"),
        (np.array([], np.float64), "float8"),
    ],
)
def test_arrays_are_lists_of_exactly_these_numbers(connection: Connection, values: np.ndarray, kind: str) -> None:
    query = f"SELECT number FROM unnest(%(numbers)s::{kind}[]) WITH ORDINALITY AS list (number, n) ORDER BY n"
    back = copy_out(connection, query, {"numbers": values})["number"]
    assert back.dtype == values.dtype
    assert back.view(np.int64).tolist() == values.view(np.int64).tolist()


def test_the_types_of_columns_are_asked_for_without_the_elements_of_arrays(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    describe = bulk._describe
    monkeypatch.setattr(bulk, "_describe", lambda driver, query: asked.append(query) or describe(driver, query))
    found = copy_out(connection, "SELECT unnest(%(numbers)s::float8[]) AS number", {"numbers": np.arange(3.0)})
    assert found["number"].tolist() == [0, 1, 2]
    assert asked == ["SELECT unnest('{}'::float8[]) AS number"]


def test_nothing_becomes_null_and_null_becomes_nothing(connection: Connection) -> None:
    columns = {
        "n": np.arange(2),
        "small": pa.array([None, 4], pa.int16()),
        "number": np.ma.masked_array([9, 4], [True, False]),
        "long": pa.chunked_array([pa.array([None], pa.int64()), pa.array([HUGE], pa.int64())]),
        "single": np.array([np.nan, 1.0]),
        "double": pa.array([None, np.nan], pa.float64()),
        "yes": pa.array([None, True]),
        "word": np.ma.masked_array(["x", "y"], [True, False]),
        "moment": pa.array([None, datetime(2000, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
        "document": pa.array([None, "3"]),
    }
    copy_in(connection, "every_type", columns)
    first = connection.execute(text("SELECT * FROM every_type WHERE n = 0")).one()
    assert list(first[1:]) == [None] * 9
    second = connection.execute(text("SELECT * FROM every_type WHERE n = 1")).one()
    assert tuple(second[1:8]) == (4, 4, HUGE, 1.0, None, True, "y")
    back = {name: values[0] for name, values in stored(connection).items()}
    assert (back["small"], back["number"], back["long"], back["yes"], back["word"]) == (0, 0, 0, False, None)
    assert np.isnan(back["single"])
    assert np.isnan(back["double"])
    assert np.isnat(back["moment"])
    assert back["document"] is None


def test_raw_tables_keep_nan(connection: Connection) -> None:
    connection.execute(text('CREATE TABLE raw."any Survey" ("TEFF" real)'))
    copy_in(connection, "raw.any Survey", {"TEFF": pa.array([np.nan, None], pa.float32())})
    kinds = connection.execute(text("""SELECT "TEFF" = 'nan' FROM raw."any Survey" """)).scalars().all()
    assert kinds == [True, None]


@pytest.mark.parametrize("rows", [0, 1, 8_192, 8_193, 70_000])
def test_any_number_of_rows(connection: Connection, rows: int) -> None:
    numbers = np.arange(rows)
    words = pa.array([None if n % 3 == 0 else str(n) for n in numbers], pa.string())
    assert copy_in(connection, "every_type", {"n": numbers, "word": words}) == rows
    back = stored(connection, "n, word")
    assert back["n"].dtype == np.int64
    np.testing.assert_array_equal(back["n"], numbers)
    assert back["word"].tolist() == words.to_pylist()


def test_blocks_join_to_the_whole(connection: Connection) -> None:
    copy_in(connection, "every_type", {"n": np.arange(1_000)})
    blocks = list(copy_out_blocks(connection, "SELECT n FROM every_type ORDER BY n", rows=300))
    assert [len(block["n"]) for block in blocks] == [300, 300, 300, 100]
    np.testing.assert_array_equal(np.concatenate([block["n"] for block in blocks]), np.arange(1_000))


def test_a_block_of_wide_rows_ends_when_it_is_full(connection: Connection) -> None:
    query = "SELECT g, repeat('x', 1000000) FROM generate_series(1, 100) g ORDER BY g"
    blocks = list(copy_out_tuples(driver_connection(connection), query, 2))
    assert max(len(block.buffer) for block in blocks) < 40_000_000
    numbers = np.concatenate([block.fixed(0, np.dtype(np.int32)) for block in blocks])
    np.testing.assert_array_equal(numbers, np.arange(1, 101))


def test_a_reader_may_leave_early(connection: Connection) -> None:
    blocks = copy_out_blocks(connection, "SELECT g FROM generate_series(1, 300000) g", rows=1_000)
    assert next(blocks)["g"][0] == 1
    blocks.close()
    connection.rollback()
    assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_parameters_are_values_not_text(connection: Connection) -> None:
    copy_in(connection, "every_type", {"n": np.arange(3), "word": np.array(["a", "b' OR true --", "c"], object)})
    back = copy_out(connection, "SELECT n FROM every_type WHERE word = %(word)s;", {"word": "b' OR true --"})
    assert back["n"].tolist() == [1]


def test_slices_of_arrow_arrays_are_read_from_their_own_start(connection: Connection) -> None:
    words = pa.array(["a", None, "bb", "ccc"])[1:3]
    copy_in(connection, "every_type", {"n": pa.array([7, 8, 9, 10])[1:3], "word": words})
    back = stored(connection, "n, word")
    assert (back["n"].tolist(), back["word"].tolist()) == ([8, 9], [None, "bb"])


def test_dictionaries_and_byte_strings_are_text(connection: Connection) -> None:
    copy_in(connection, "every_type", {"n": np.arange(2), "word": pa.array(["x", "y"]).dictionary_encode()})
    copy_in(connection, "every_type", {"n": np.arange(2, 4), "word": np.array([b"z", b"zz"])})
    assert stored(connection, "n, word")["word"].tolist() == ["x", "y", "z", "zz"]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("small", np.array([40_000]), "small takes integers from -32768 to 32767"),
        ("long", np.array([2**63], np.uint64), "long takes integers from"),
        ("long", np.array([1.0]), "long takes integer values, got float64"),
        ("yes", np.array([1]), "yes takes bool values"),
        ("word", np.array([1]), "word takes text"),
        ("double", np.array(["1"], object), "double holds Python objects"),
        ("moment", np.array([1]), "moment takes times"),
    ],
)
def test_values_of_another_kind_are_refused(
    connection: Connection, column: str, values: np.ndarray, message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        copy_in(connection, "every_type", {column: values})


def test_columns_of_different_length_are_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="equally long"):
        copy_in(connection, "every_type", {"n": np.arange(2), "long": np.arange(3)})


def test_a_type_without_array_is_named(connection: Connection) -> None:
    with pytest.raises(TypeError, match="column mean has PostgreSQL type 1700"):
        copy_out(connection, "SELECT 1::numeric AS mean")
    with pytest.raises(ValueError, match="two columns of one name"):
        copy_out(connection, "SELECT 1 AS a, 2 AS a")


def test_an_error_of_the_server_while_reading_is_raised(connection: Connection) -> None:
    with pytest.raises(InputError, match="division by zero"):
        copy_out(connection, "SELECT 1 / (g - 500) AS x FROM generate_series(1, 1000) g")


ROW = st.tuples(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(st.none(), st.floats(allow_nan=False)),
    st.one_of(st.none(), st.floats(allow_nan=False, width=32)),
    st.one_of(st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    st.one_of(st.none(), st.booleans()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=30))
def test_any_table_survives_the_round_trip(connection: Connection, rows: list[tuple]) -> None:
    connection.execute(text("TRUNCATE every_type"))
    kinds = {"long": pa.int64(), "double": pa.float64(), "single": pa.float32(), "word": pa.string(), "yes": pa.bool_()}
    columns = {
        name: pa.array([row[i] for row in rows], kind, from_pandas=False)
        for i, (name, kind) in enumerate(kinds.items())
    }
    copy_in(connection, "every_type", {"n": np.arange(len(rows)), **columns})
    back = connection.execute(text("SELECT long, double, single::float8, word, yes FROM every_type ORDER BY n")).all()
    assert [tuple(row) for row in back] == rows
    decoded = stored(connection, "n, long, double, single, word, yes")
    expected = [(row[0] or 0, *row[1:4], bool(row[4])) for row in rows]
    got = [
        (
            int(decoded["long"][i]),
            *(None if np.isnan(decoded[name][i]) else float(decoded[name][i]) for name in ("double", "single")),
            decoded["word"][i],
            bool(decoded["yes"][i]),
        )
        for i in range(len(rows))
    ]
    assert got == expected
