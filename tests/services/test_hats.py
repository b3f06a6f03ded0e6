"""HATS folders, held against the specification: where each row lies, what each file says, and that none is missing."""

from __future__ import annotations

import csv
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix

from app.domain.catalog import Bounds, Slice
from app.domain.columns import CATALOG, choose
from app.domain.files import FileFormat
from app.services.downloads import Downloads
from app.services.exports import fresh_folder
from app.storage.engine import Database
from app.storage.hats_places import Folder
from app.storage.reading import LONG_OPTIONS, SHORT_OPTIONS
from tests.support import catalogue, servers

MANY = 150_000
MOST = 20_000


@pytest.fixture(scope="module")
def large(server_url: str, template: str) -> Iterator[Database]:
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database)
        catalogue.enlarge(database, MANY)
        yield database


@pytest.fixture(scope="module")
def downloads(large: Database) -> Iterator[Downloads]:
    pages = Database(large.url, options=SHORT_OPTIONS)
    files = Database(large.url, options=LONG_OPTIONS, size=1, patience_s=0.2)
    yield Downloads(pages, files)
    pages.dispose()
    files.dispose()


def write(downloads: Downloads, wanted: Slice, folder: Path, **options: int) -> int:
    with fresh_folder(folder.with_name(f"{folder.name}.scratch")) as scratch:
        return downloads.hats(wanted, Folder(folder), scratch, **options)[1]


@pytest.fixture(scope="module")
def folder(downloads: Downloads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue as a HATS folder with many tiles."""
    folder = tmp_path_factory.mktemp("hats") / "all"
    assert write(downloads, Slice(columns=CATALOG), folder, tile_rows=MOST) == MANY + catalogue.N_STARS
    return folder


def partitions(folder: Path) -> list[tuple[int, int]]:
    with (folder / "partition_info.csv").open(encoding="ascii") as lines:
        return [(int(row["Norder"]), int(row["Npix"])) for row in csv.DictReader(lines)]


def tile(folder: Path, order: int, pixel: int) -> Path:
    return folder / f"dataset/Norder={order}/Dir={pixel // 10_000 * 10_000}/Npix={pixel}.parquet"


def properties(folder: Path) -> dict[str, str]:
    lines = (folder / "hats.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", maxsplit=1) for line in lines if not line.startswith("#"))


def pixels_of(table: pa.Table, order: int) -> np.ndarray:
    ra, dec = (table[name].to_numpy() for name in ("ra", "dec"))
    return lonlat_to_healpix(Longitude(ra, u.deg), Latitude(dec, u.deg), order).astype(np.int64)


def test_every_row_lies_in_the_tile_of_its_position_and_in_order(folder: Path):
    listed = partitions(folder)
    assert len(listed) > 20
    assert len({order for order, _ in listed}) > 1
    for order, pixel in listed:
        table = pq.ParquetFile(tile(folder, order, pixel)).read()
        assert 0 < len(table) <= MOST
        index = table["_healpix_29"].to_numpy()
        assert np.array_equal(index, pixels_of(table, 29))
        assert np.all(np.diff(index) >= 0)
        assert set((index >> 2 * (29 - order)).tolist()) == {pixel} == set(pixels_of(table, order).tolist())


def test_tiles_are_apart_and_as_large_as_they_may_be(folder: Path):
    listed = partitions(folder)
    spans = sorted((pixel << 2 * (29 - order), (pixel + 1) << 2 * (29 - order)) for order, pixel in listed)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    rows = {one: pq.read_metadata(tile(folder, *one)).num_rows for one in listed}
    for order, pixel in listed:
        if order:
            inside = [n for (o, p), n in rows.items() if o >= order and p >> 2 * (o - order + 1) == pixel >> 2]
            assert sum(inside) > MOST, "the parent would have done"


def test_all_tiles_together_are_the_catalogue(folder: Path, downloads: Downloads):
    with downloads.catalogue(Slice(columns=CATALOG), FileFormat.PARQUET) as download:
        expected = pq.read_table(pa.BufferReader(b"".join(download.blocks))).sort_by("star_id")
    found = pa.concat_tables(pq.ParquetFile(tile(folder, *one)).read() for one in partitions(folder))
    assert found.drop_columns("_healpix_29").sort_by("star_id").equals(expected)


def test_files_about_the_folder_say_what_is_in_it(folder: Path):
    names = [str(path.relative_to(folder / "dataset")) for path in (folder / "dataset").rglob("*.parquet")]
    footer = pq.read_metadata(folder / "dataset/_metadata")
    groups = [footer.row_group(place).column(0) for place in range(footer.num_row_groups)]
    assert {group.file_path for group in groups} == set(names)
    assert list(dict.fromkeys(group.file_path for group in groups)) == [
        str(tile(folder, *one).relative_to(folder / "dataset")) for one in partitions(folder)
    ]
    assert all(group.statistics.min <= group.statistics.max for group in groups)
    assert footer.num_rows == MANY + catalogue.N_STARS
    assert ds.parquet_dataset(folder / "dataset/_metadata").to_table(columns=["star_id"]).num_rows == footer.num_rows
    schema = pq.read_schema(folder / "dataset/_common_metadata")
    assert schema.names == ["_healpix_29", *(column.name for column in CATALOG)]
    for path in ("_metadata", *names):
        assert pq.read_schema(folder / "dataset" / path).equals(schema, check_metadata=True), path
    assert schema.field("_healpix_29").type == pa.int64()
    assert schema.field("teff").metadata[b"unit"] == b"K"
    assert schema.metadata[b"sos.rows"] == str(MANY + catalogue.N_STARS).encode()


def test_the_margin_has_the_same_rows_under_the_tiles_that_they_line(folder: Path):
    margin = folder / "margin_10arcs"
    whole = pa.concat_tables(pq.ParquetFile(tile(folder, *one)).read() for one in partitions(folder))
    rows = {number: place for place, number in enumerate(whole["star_id"].to_pylist())}
    lining = 0
    for order, pixel in partitions(margin):
        assert (order, pixel) in partitions(folder)
        found = pq.ParquetFile(tile(margin, order, pixel)).read()
        assert np.all(np.diff(found["_healpix_29"].to_numpy()) >= 0)
        assert pixel not in set(pixels_of(found, order).tolist())
        assert found.equals(whole.take([rows[number] for number in found["star_id"].to_pylist()]))
        lining += len(found)
    said = properties(margin)
    assert lining == int(said["hats_nrows"]) == pq.read_metadata(margin / "dataset/_metadata").num_rows > 0
    assert said["dataproduct_type"] == "margin"
    assert said["hats_primary_table_url"] == properties(folder)["obs_collection"]
    assert said["hats_margin_threshold"] == "10.0"


def test_properties_are_those_of_an_object_catalogue(folder: Path):
    said = properties(folder)
    listed = partitions(folder)
    required = {"obs_collection": "sos_v1", "dataproduct_type": "object", "hats_col_ra": "ra", "hats_col_dec": "dec"}
    index = {"hats_col_healpix": "_healpix_29", "hats_col_healpix_order": "29", "hats_npix_suffix": ".parquet"}
    assert required | index == {name: said[name] for name in required | index}
    assert int(said["hats_nrows"]) == MANY + catalogue.N_STARS
    assert int(said["hats_max_rows"]) == max(pq.read_metadata(tile(folder, *one)).num_rows for one in listed)
    assert int(said["hats_order"]) == max(order for order, _ in listed)
    assert float(said["moc_sky_fraction"]) == pytest.approx(sum(4.0**-order / 12 for order, _ in listed), abs=1e-5)
    size = sum(tile(folder, *one).stat().st_size for one in listed)
    assert (int(said["hats_estsize"]) - 1) * 1024 < size <= int(said["hats_estsize"]) * 1024
    assert "Someone 2020" in said["obs_ack"]
    assert (folder / "properties").read_bytes() == (folder / "hats.properties").read_bytes()


def test_a_slice_has_its_columns_and_positions_whatever_was_asked_for(downloads: Downloads, tmp_path: Path):
    wanted = Slice(columns=choose(CATALOG, ("teff", "dec")), bounds={"teff": Bounds(4100, 4105)})
    assert write(downloads, wanted, tmp_path / "few") == 5  # the sixth has no value
    found = pa.concat_tables(
        pq.ParquetFile(tile(tmp_path / "few", *one)).read() for one in partitions(tmp_path / "few")
    )
    assert found.column_names == ["_healpix_29", "ra", "teff", "dec"]
    assert sorted(found["teff"].to_pylist()) == [4100, 4101, 4102, 4103, 4105]
    assert {order for order, _ in partitions(tmp_path / "few")} == {0}


def test_nothing_is_a_folder_too(downloads: Downloads, tmp_path: Path):
    none = Slice(columns=CATALOG, bounds={"teff": Bounds(9000, 9001)})
    assert write(downloads, none, tmp_path / "none") == 0
    assert partitions(tmp_path / "none") == []
    assert properties(tmp_path / "none")["hats_nrows"] == "0"
    assert pq.read_metadata(tmp_path / "none/dataset/_metadata").num_row_groups == 0


def test_memory_is_that_of_a_tile(downloads: Downloads, tmp_path: Path):
    write(downloads, Slice(columns=CATALOG[:4]), tmp_path / "first", tile_rows=MOST)
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    tracemalloc.start()
    try:
        write(downloads, Slice(columns=CATALOG), tmp_path / "second", tile_rows=MOST)
        _, python = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)
    arrow = counted.max_memory()
    del counted
    whole = ds.dataset(tmp_path / "second/dataset", format="parquet").to_table().nbytes
    assert 0 < arrow < whole / 2
    assert python < 60_000_000  # of these the counts of pixels are 12 and their sums 25
