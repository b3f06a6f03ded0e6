"""Catalogues as files: of the rows that the database has, used only where they are whole, gone with their version."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.catalog import Bounds, Slice
from app.domain.columns import CATALOG, choose
from app.pipeline.keep import keep
from app.storage import kept_catalogues
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.catalogue import N_STARS

WHOLE = Slice(columns=CATALOG)


@pytest.fixture
def filled(database: Database) -> Database:
    catalogue.build(database, n_versions=2)
    catalogue.seal(database)
    return database


def opened(database: Database, folder: Path, version: int, wanted: Slice = WHOLE) -> int | None:
    """Return the rows of the file that serves a slice, None where none does."""
    with database.connect() as connection, kept_catalogues.opened(connection, folder, version, wanted) as kept:
        return None if kept is None else kept.rows


def test_a_kept_catalogue_has_the_rows_of_its_version(filled: Database, tmp_path: Path):
    path = keep(filled, tmp_path / "new", 1)
    assert path is not None
    table = pq.read_table(path).sort_by("star_id")
    with filled.connect() as connection:
        names = ", ".join(column.name.replace("version", "version_id") for column in CATALOG)
        rows = connection.exec_driver_sql(f"SELECT {names} FROM homogenized_1 ORDER BY star_id").all()
    expected = pa.table(list(map(list, zip(*rows, strict=True))), schema=table.schema)
    assert table.equals(expected)
    assert [one.name for one in path.parent.iterdir()] == [path.name], "nothing else is left there"
    assert keep(filled, tmp_path / "new", 1) == path, "made again it is the same"


def test_a_file_serves_whole_catalogues_of_its_version_alone(filled: Database, tmp_path: Path):
    assert opened(filled, tmp_path, 1) is None
    keep(filled, tmp_path, 1)
    assert opened(filled, tmp_path, 1) == N_STARS
    assert opened(filled, tmp_path, 1, Slice(columns=choose(CATALOG, ("feh", "star_id")))) == N_STARS
    nothing_asked = {name: Bounds() for name in ("teff", "logg", "feh", "g_mag")}
    assert opened(filled, tmp_path, 1, Slice(columns=CATALOG, bounds=nothing_asked)) == N_STARS
    assert opened(filled, tmp_path, 2) is None
    for part in (
        Slice(columns=CATALOG, bounds={"teff": Bounds(4000, None)}),
        Slice(columns=CATALOG, survey="gamma"),
        Slice(columns=CATALOG, in_domain=True),
        Slice(columns=CATALOG, n_min=2),
    ):
        assert opened(filled, tmp_path, 1, part) is None


def test_other_rows_under_the_same_number_have_another_file(filled: Database, tmp_path: Path):
    """A database that was restored can make a version again that it has forgotten."""
    keep(filled, tmp_path, 1)
    with filled.begin() as connection:
        other = """jsonb_build_object('catalogue_sha256', repeat('b', 64))"""
        connection.exec_driver_sql(f"UPDATE version SET metrics = metrics || {other} WHERE version_id = 1")
    assert opened(filled, tmp_path, 1) is None


def test_a_version_without_a_checksum_of_its_rows_has_no_file(filled: Database, tmp_path: Path):
    with filled.begin() as connection:
        connection.exec_driver_sql("UPDATE version SET metrics = metrics - 'catalogue_sha256'")
    assert keep(filled, tmp_path, 1) is None
    assert opened(filled, tmp_path, 1) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all" * 100])
def test_a_damaged_file_serves_nothing(filled: Database, tmp_path: Path, content: bytes):
    path = keep(filled, tmp_path, 1)
    assert path is not None
    path.write_bytes(content)
    assert opened(filled, tmp_path, 1) is None


def test_a_file_of_an_earlier_catalogue_serves_the_columns_that_it_has(filled: Database, tmp_path: Path):
    path = keep(filled, tmp_path, 1)
    assert path is not None
    pq.write_table(pq.read_table(path).drop_columns(["feh_flags"]), path)
    assert opened(filled, tmp_path, 1) is None
    assert opened(filled, tmp_path, 1, Slice(columns=choose(CATALOG, ("feh",)))) == N_STARS


def test_reading_takes_the_memory_of_a_piece_and_not_of_the_file(filled: Database, tmp_path: Path):
    path = keep(filled, tmp_path, 1)
    assert path is not None
    rng, n_rows = np.random.default_rng(1), 1_000_000
    columns = choose(CATALOG, ("star_id", "ra", "dec", "teff"))
    values = [rng.permutation(n_rows), *rng.random((3, n_rows))]
    table = pa.table(dict(zip([column.name for column in columns], values, strict=True)))
    pq.write_table(table, path, row_group_size=50_000)
    del table
    with filled.connect() as connection:
        opening = kept_catalogues.opened(connection, tmp_path, 1, Slice(columns=columns))
        with opening as kept:
            assert kept is not None
            before, taken, rows = pa.total_allocated_bytes(), 0, 0
            for batch in kept.batches(columns):
                rows += batch.num_rows
                taken = max(taken, pa.total_allocated_bytes() - before)
    assert rows == n_rows
    assert taken < path.stat().st_size / 4


def test_files_of_other_versions_are_removed_and_nothing_else(filled: Database, tmp_path: Path):
    first, second = keep(filled, tmp_path, 1), keep(filled, tmp_path, 2)
    assert first is not None
    assert second is not None
    (tmp_path / "notes.parquet").write_text("somebody's own")
    assert kept_catalogues.remove_others(tmp_path, [2, 3]) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["notes.parquet", second.name])
    assert kept_catalogues.remove_others(tmp_path / "not there", [1]) == []


def test_what_a_killed_worker_left_goes_a_day_later(filled: Database, tmp_path: Path):
    old, new = tmp_path / ".a.part", tmp_path / ".b.part"
    for path in (old, new):
        path.write_bytes(b"half of it")
    os.utime(old, (time.time() - 90_000,) * 2)
    kept_catalogues.remove_others(tmp_path, [1])
    assert list(tmp_path.iterdir()) == [new], "somebody may be writing it"


def test_what_cannot_be_written_leaves_nothing(filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> list[bytes]:
        raise OSError("no space left on device")

    monkeypatch.setattr(kept_catalogues, "parquet_blocks", fails)
    with pytest.raises(OSError, match="no space"):
        keep(filled, tmp_path, 1)
    assert list(tmp_path.iterdir()) == []
