"""Files on their way in: every row accounted for, nothing twice, nothing half."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from app.domain.errors import ConflictError, TableError, UnknownSurveyError
from app.pipeline.ingest import ingest, ingest_folder, scan_folder
from app.storage import surveys
from app.storage.bulk import copy_out
from app.storage.engine import Database
from app.surveys.loader import builtin
from tests.support.descriptors import TOML, toy, toy_table, write_toy


def rows_of(database: Database, query: str, **parameters: Any) -> list[tuple]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query), parameters)]


def untouched(database: Database) -> None:
    assert rows_of(database, "SELECT count(*) FROM survey") == [(0,)]
    assert rows_of(database, "SELECT count(*) FROM measurement") == [(0,)]
    assert rows_of(database, "SELECT to_regclass('raw.toy'), to_regclass('measurement_toy')") == [(None, None)]


def test_every_row_is_stored_or_rejected(database: Database, tmp_path: Path) -> None:
    rows = 2_000
    number = np.arange(rows)
    ra = np.where(number % 10 == 3, np.nan, number % 360.0)
    teff = np.where(number % 10 == 7, -9999.0, 5000.0 + number)
    nothing = np.where(number % 10 == 7, np.nan, 1.0)
    path = write_toy(tmp_path / "toy.parquet", rows, ra=ra, teff=teff, logg=nothing, feh=nothing)
    seen: list[tuple[int, int | None]] = []
    found = ingest(database, toy(), path, progress=lambda done, total: seen.append((done, total)))
    assert (found.rows_read, found.rows_stored, found.rows_rejected) == (2_000, 1_600, 400)
    assert (found.survey, found.file_name, found.file_format, found.repeated) == (
        "toy",
        "toy.parquet",
        "Parquet",
        False,
    )
    assert found.finished_at >= found.started_at
    assert seen[-1] == (2_000, 2_000)
    stored = rows_of(database, "SELECT row_number, object_id, teff, gaia_dr3 FROM measurement_toy ORDER BY row_number")
    expected = [(n + 1, f"star {n}", 5000.0 + n, 2**62 + n) for n in range(rows) if n % 10 not in {3, 7}]
    assert stored == expected
    raw = rows_of(database, "SELECT row_number, id, remark, gaia FROM raw.toy ORDER BY measurement_id")
    assert raw == [(n + 1, f"star {n}", f"row {n}", 2**62 + n) for n in range(rows) if n % 10 not in {3, 7}]
    joined = rows_of(
        database, "SELECT count(*) FROM measurement AS m JOIN raw.toy AS r USING (measurement_id, row_number)"
    )
    assert joined == [(1_600,)]
    with database.connect() as connection:
        assert surveys.reject_reasons(connection, "toy") == {
            "no Teff, log g or [Fe/H] in its physical range": 200,
            "no position": 200,
        }
        first = surveys.rejects(connection, "toy", limit=1)[0]
    assert (first.row_number, first.reason, first.file_name) == (4, "no position", "toy.parquet")
    assert first.original["ra"] is None
    assert first.original["gaia"] == 2**62 + 3
    assert first.original["remark"] == "row 3"


def test_a_second_time_nothing_is_done(database: Database, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.parquet", 10)
    first = ingest(database, toy(), path)
    copy = tmp_path / "renamed.parquet"
    copy.write_bytes(path.read_bytes())
    second = ingest(database, toy(), copy)
    assert second.repeated
    assert second.ingestion_id == first.ingestion_id
    assert rows_of(database, "SELECT count(*) FROM measurement") == [(10,)]


def test_partitions_have_the_indexes_and_bounds_of_their_parent(database: Database, tmp_path: Path) -> None:
    ingest(database, toy(), write_toy(tmp_path / "toy.parquet", 10))
    attached = rows_of(
        database,
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'measurement_toy' AND relispartition",
    )
    assert len(attached) == 1
    indexes = rows_of(database, "SELECT count(*) FROM pg_indexes WHERE tablename = 'measurement_toy'")
    parents = rows_of(database, "SELECT count(*) FROM pg_indexes WHERE tablename = 'measurement'")
    assert indexes == parents
    checks = rows_of(
        database, "SELECT conname FROM pg_constraint WHERE conrelid = 'measurement_toy'::regclass AND contype = 'c'"
    )
    assert ("of_survey",) not in checks
    assert len(checks) == 2


def test_a_new_file_adds_rows_and_columns_but_no_object_twice(database: Database, tmp_path: Path) -> None:
    ingest(database, toy(), write_toy(tmp_path / "one.parquet", 10))
    names = [f"star {n}" for n in range(5, 15)]
    more = write_toy(tmp_path / "two.parquet", 10, id=names, extra=np.arange(10) / 2, remark=np.arange(10))
    found = ingest(database, toy(), more)
    assert (found.rows_read, found.rows_stored, found.rows_rejected) == (10, 5, 5)
    with database.connect() as connection:
        rejected = surveys.rejects(connection, "toy")
    assert [one.row_number for one in rejected] == [1, 2, 3, 4, 5]
    assert rejected[0].reason == "object star 5 is in already, from one.parquet"
    assert rejected[0].original["extra"] == 0.0
    assert rows_of(database, "SELECT count(*), count(DISTINCT object_id) FROM measurement") == [(15, 15)]
    raw = rows_of(database, "SELECT remark, extra FROM raw.toy ORDER BY measurement_id")
    assert raw[0] == ("row 0", None)
    assert raw[-1] == ("9", 4.5)
    assert len(raw) == 15
    with database.connect() as connection:
        survey = surveys.get(connection, "toy")
    assert (survey.n_files, survey.n_rows, survey.n_rejects) == (2, 15, 5)


def test_repeats_within_a_file_are_spectra_of_one_object(database: Database, tmp_path: Path) -> None:
    found = ingest(database, toy(), write_toy(tmp_path / "toy.parquet", 4, id=["a", "a", "b", "a"]))
    assert found.rows_stored == 4


def test_raw_columns_keep_their_names_and_widen(database: Database, tmp_path: Path) -> None:
    long = "x" * 70
    odd = {"measurement_id": np.arange(3), "Teff": np.arange(3), 'say "so"': ["a", "b", "c"], long: np.arange(3)}
    odd |= {
        "grows": np.arange(3, dtype=np.int16),
        "exact": np.array([2**62, 1, 2]),
        "vector": [[1.0, np.nan], [], None],
    }
    ingest(database, toy(), write_toy(tmp_path / "one.parquet", 3, **odd))
    later = {"grows": [2**40, 0, 1], "exact": [0.5, 1.5, 2.5], "id": ["x", "y", "z"]}
    ingest(database, toy(), write_toy(tmp_path / "two.parquet", 3, **later))
    found = rows_of(
        database,
        'SELECT "measurement_id_1", "Teff", "say ""so""", grows, exact, vector FROM raw.toy ORDER BY measurement_id',
    )
    assert found[0] == (0, 0, "a", 0, "4611686018427387904", "[1,null]")
    assert found[1][-1] == "[]"
    assert found[2][-1] is None
    assert found[3] == (None, None, None, 2**40, "0.5", None)
    names = [
        name for (name,) in rows_of(database, "SELECT attname FROM pg_attribute WHERE attrelid='raw.toy'::regclass")
    ]
    assert "x" * 58 + "_1" in names


def test_another_descriptor_has_to_replace(database: Database, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.parquet", 10)
    other = write_toy(tmp_path / "other.parquet", 3, id=["u", "v", "w"])
    first = ingest(database, toy(), path)
    ingest(database, toy(), other)
    changed = toy(**{"floor = 30.0": "floor = 40.0"})
    with pytest.raises(ConflictError, match=r"toy\.parquet is in toy already, read by another descriptor.*--replace"):
        ingest(database, changed, path)
    second = ingest(database, changed, path, replace_earlier=True)
    assert second.ingestion_id != first.ingestion_id
    assert rows_of(database, "SELECT count(*) FROM raw.toy") == [(10,)]
    errors = rows_of(database, "SELECT DISTINCT ingestion_id, teff_err_lower FROM measurement")
    assert errors == [(second.ingestion_id, pytest.approx(np.hypot(40, 40)))]
    with database.connect() as connection:
        assert [one.file_name for one in surveys.ingestions(connection, "toy")] == ["toy.parquet"]


def damaged_id(folder: Path) -> Path:
    rows = [f"star {n},{n % 360},0.5,{n if n != 149_999 else '6.0E+17'},5000" for n in range(150_000)]
    path = folder / "damaged.csv"
    path.write_text("id,ra,dec,gaia,teff\n" + "\n".join(rows) + "\n")
    return path


PLAIN = TOML.split("[ids]")[0].replace('snr = "snr"\n', "") + (
    '[ids]\ngaia_dr3 = "gaia"\n[parameters.teff]\ncolumn = "teff"\nerror = { kind = "absent" }\n'
)


def test_a_damaged_id_at_the_end_leaves_nothing(database: Database, tmp_path: Path) -> None:
    from app.surveys.loader import parse

    with pytest.raises(TableError) as caught:
        ingest(database, parse(PLAIN, "plain.toml"), damaged_id(tmp_path))
    assert (caught.value.file, caught.value.column, caught.value.row) == ("damaged.csv", "gaia", 150_000)
    untouched(database)


def test_a_file_cut_off_leaves_nothing(database: Database, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "toy.csv.gz"
    pa.csv.write_csv(toy_table(50_000), tmp_path / "toy.csv")
    path.write_bytes(gzip.compress((tmp_path / "toy.csv").read_bytes())[:-100_000])
    with pytest.raises(TableError, match=r"^toy\.csv\.gz"):
        ingest(database, toy(), path)
    untouched(database)


def test_wrong_columns_and_units_leave_nothing(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "toy.parquet"
    pq.write_table(toy_table(5).drop_columns(["feh"]), path)
    with pytest.raises(TableError, match=r"toy\.parquet: toy \(table\) needs the column\(s\) feh"):
        ingest(database, toy(), path)
    table = toy_table(5)
    place = table.schema.get_field_index("ra")
    pq.write_table(table.set_column(place, table.schema.field("ra").with_metadata({"unit": "km"}), table["ra"]), path)
    with pytest.raises(TableError, match=r"toy\.parquet, column ra: is in km"):
        ingest(database, toy(), path)
    untouched(database)


def test_a_file_without_any_usable_row_is_refused(database: Database, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.parquet", 5, ra=[np.nan] * 5)
    with pytest.raises(TableError, match="none of its 5 rows can be used; 5 of them: no position"):
        ingest(database, toy(), path)
    untouched(database)


def test_what_the_database_refuses_names_the_file(database: Database, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.parquet", 2, remark=["fine", "a\0b"])
    with pytest.raises(TableError, match=r"toy\.parquet: holds a value that cannot be stored: .*0x00"):
        ingest(database, toy(), path)
    untouched(database)


def test_an_empty_table_is_a_survey_without_rows(database: Database, tmp_path: Path) -> None:
    nothing = {name: pa.array([], pa.string()) for name in ("id", "tmass", "iron_flag", "remark")}
    found = ingest(database, toy(), write_toy(tmp_path / "toy.parquet", 0, **nothing))
    assert (found.rows_read, found.rows_stored) == (0, 0)


def test_two_at_once_take_a_file_in_once(database: Database, tmp_path: Path) -> None:
    path = write_toy(tmp_path / "toy.parquet", 20_000)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(ingest(database, toy(), path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.repeated for one in found) == [False, True, True]
    assert rows_of(database, "SELECT count(*), count(DISTINCT measurement_id) FROM measurement") == [(20_000, 20_000)]


def test_measurement_numbers_are_shared_by_all_surveys(database: Database, tmp_path: Path) -> None:
    ingest(database, toy(), write_toy(tmp_path / "a.parquet", 10))
    ingest(database, toy(**{'name = "toy"': 'name = "toy_b"'}), write_toy(tmp_path / "b.parquet", 10))
    with database.connect() as connection:
        numbers = copy_out(connection, "SELECT measurement_id FROM measurement ORDER BY 1")["measurement_id"]
    assert numbers.tolist() == list(range(1, 21))


def test_texts_that_json_has_to_escape_survive_a_reject(database: Database, tmp_path: Path) -> None:
    odd = 'a "quoted" \\ back\tslash\nline \x01 α'
    path = write_toy(tmp_path / "toy.parquet", 2, ra=[1.0, np.nan], remark=["fine", odd])
    ingest(database, toy(), path)
    ((original,),) = rows_of(database, "SELECT original::text FROM reject")
    assert json.loads(original)["remark"] == odd


def test_a_folder_is_recognised_file_by_file(database: Database, tmp_path: Path) -> None:
    write_toy(tmp_path / "toy.parquet", 10)
    (tmp_path / "README.md").write_text("a, b\n")
    (tmp_path / ".hidden.csv").write_text("a,b\n1,2\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "below").mkdir()
    write_toy(tmp_path / "below" / "toy.parquet", 99)
    said: list[str] = []
    found = ingest_folder(database, tmp_path, extra_descriptors=[toy()], announce=said.append)
    assert [(one.file_name, one.rows_stored) for one in found] == [("toy.parquet", 10)]
    assert "README.md is no table: left alone" in said
    assert "other.csv has the columns of no known survey: left alone" in said
    assert not any(".hidden" in line or "below" in line for line in said)


def test_a_folder_without_surveys_is_refused(database: Database, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="no file of this folder has the columns of a known survey"):
        ingest_folder(database, tmp_path)
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE  = nonsense")
    with pytest.raises(TableError, match=r"broken\.fits"):
        scan_folder(tmp_path, builtin())


def test_what_was_never_taken_in_is_unknown(database: Database) -> None:
    with (
        database.connect() as connection,
        pytest.raises(UnknownSurveyError, match="'toy' has been ingested; there is none"),
    ):
        surveys.get(connection, "toy")
