"""Files of tables: whole, of one snapshot, and without traces when nobody wants the rest."""

from __future__ import annotations

import gc
import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.catalog import MeasurementSlice, Slice
from app.domain.columns import CATALOG, choose
from app.domain.errors import DatabaseError, UnavailableError
from app.domain.files import FileFormat
from app.pipeline.keep import keep
from app.services.downloads import FROM_KEPT, Downloads
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, SHORT_OPTIONS
from tests.support import catalogue, servers

MANY = 150_000
EVERYTHING = Slice(columns=CATALOG)


@pytest.fixture(scope="module")
def large(server_url: str, template: str) -> Iterator[Database]:
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database)
        catalogue.enlarge(database, MANY)
        catalogue.seal(database)
        yield database


@pytest.fixture
def downloads(large: Database) -> Iterator[Downloads]:
    pages = Database(large.url, options=SHORT_OPTIONS)
    files = Database(large.url, options=LONG_OPTIONS, size=1, patience_s=0.2)
    yield Downloads(pages, files)
    pages.dispose()
    files.dispose()


@pytest.fixture
def from_kept(large: Database, tmp_path: Path) -> Iterator[Downloads]:
    """Downloads with the catalogue as a file beside the database."""
    keep(large, tmp_path, 1)
    pages = Database(large.url, options=SHORT_OPTIONS)
    files = Database(large.url, options=LONG_OPTIONS, size=1, patience_s=0.2)
    yield Downloads(pages, files, tmp_path)
    pages.dispose()
    files.dispose()


@pytest.mark.parametrize("form", list(FileFormat))
@pytest.mark.parametrize("names", [(), ("feh", "star_id", "dec")])
def test_a_kept_catalogue_gives_the_same_file(
    downloads: Downloads, from_kept: Downloads, form: FileFormat, names: tuple[str, ...]
):
    wanted = Slice(columns=choose(CATALOG, names))
    with downloads.catalogue(wanted, form) as download:
        expected = b"".join(download.blocks)
        rows, version = download.rows, download.version
    with from_kept.catalogue(wanted, form) as download:
        assert (download.rows, download.version) == (rows, version)
        content = b"".join(download.blocks)
    if form in {FileFormat.PARQUET, FileFormat.ARROW}:  # rows come in other pieces
        first, second = (read_table(form, one) for one in (expected, content))
        assert second.schema.equals(first.schema, check_metadata=True)
        assert second.equals(first)
    else:
        # Base64 is broken into lines at other places.
        first, second = (b"".join(one.split(b"\n")) for one in (expected, content))
        assert sha256(second) == sha256(first)


def test_a_kept_catalogue_is_read_without_the_database(from_kept: Downloads, large: Database):
    with from_kept.catalogue(EVERYTHING, FileFormat.PARQUET) as download:
        size = len(next(download.blocks))
        with large.begin() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            connection.exec_driver_sql("LOCK TABLE homogenized_1 IN ACCESS EXCLUSIVE MODE")  # what a query would keep
        with pytest.raises(UnavailableError, match="busy"), from_kept.catalogue(EVERYTHING, FileFormat.CSV):
            pass
        assert size + sum(map(len, download.blocks)) > 500_000


def test_memory_does_not_grow_with_a_kept_catalogue(from_kept: Downloads):
    for form in sorted(FROM_KEPT):
        with from_kept.catalogue(Slice(columns=CATALOG[:1]), form) as download:
            list(download.blocks)
        tracemalloc.start()
        with from_kept.catalogue(EVERYTHING, form) as download:
            assert sum(len(block) for block in download.blocks) > 500_000
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        gc.collect()
        assert peak < 14_000_000, form


@pytest.mark.parametrize("form", list(FileFormat))
def test_nothing_is_left_running_when_the_rest_is_not_wanted(downloads: Downloads, large: Database, form: FileFormat):
    for _ in range(2):
        with downloads.catalogue(EVERYTHING, form) as download:
            assert next(download.blocks)
        assert active(large) == 0
    with downloads.catalogue(EVERYTHING, form) as download:
        assert download.rows == MANY + catalogue.N_STARS
        assert sum(len(block) for block in download.blocks) > 500_000


@pytest.mark.parametrize("form", list(FileFormat))
def test_a_download_that_was_never_read_leaves_nothing(downloads: Downloads, large: Database, form: FileFormat):
    with downloads.catalogue(EVERYTHING, form):
        pass
    assert active(large) == 0


def test_one_download_more_than_there_are_connections_is_refused_in_time(downloads: Downloads):
    with (
        downloads.catalogue(EVERYTHING, FileFormat.CSV),
        pytest.raises(UnavailableError, match="busy"),
        downloads.catalogue(EVERYTHING, FileFormat.CSV),
    ):
        pass
    with downloads.catalogue(EVERYTHING, FileFormat.CSV) as download:
        assert next(download.blocks)


@pytest.mark.parametrize("form", list(FileFormat))
def test_memory_does_not_grow_with_the_file(downloads: Downloads, form: FileFormat):
    narrow = Slice(columns=CATALOG[:1])
    with downloads.catalogue(narrow, form) as download:
        list(download.blocks)
    tracemalloc.start()
    with downloads.catalogue(EVERYTHING, form) as download:
        size = sum(len(block) for block in download.blocks)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.collect()
    assert peak < (2_000_000 if form in {FileFormat.CSV, FileFormat.JSONL} else 14_000_000)
    assert size > {FileFormat.PARQUET: 500_000, FileFormat.ARROW: 15_000_000}.get(form, 9_000_000)


def test_a_server_that_stops_in_the_middle_is_blamed_and_a_full_disk_is_not(downloads: Downloads, large: Database):
    with (
        pytest.raises(DatabaseError, match="stopped answering"),
        downloads.catalogue(EVERYTHING, FileFormat.ARROW) as download,
    ):
        assert next(download.blocks)
        with large.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'COPY%%'"
            )
        list(download.blocks)
    with pytest.raises(OSError, match="no space"), downloads.catalogue(EVERYTHING, FileFormat.ARROW) as download:
        assert next(download.blocks)
        raise OSError("no space left on device")


@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.PARQUET])
def test_a_file_has_as_many_rows_as_it_says_while_rows_come_in(database: Database, form: FileFormat):
    catalogue.build(database)
    pages, files = Database(database.url, options=SHORT_OPTIONS), Database(database.url, options=LONG_OPTIONS, size=1)
    wanted = MeasurementSlice("gamma", columns=("object_id",))
    with Downloads(pages, files).measurements(wanted, form) as download:
        with database.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO measurement SELECT survey_id, measurement_id + 100000, ingestion_id, row_number, "
                "'late ' || object_id, gaia_dr3, gaia_dr2, tmass, ra, dec, epoch_jyear, pm_ra_cosdec_masyr, "
                "pm_dec_masyr, g_mag, bp_mag, rp_mag, k_mag, snr, teff, teff_err_lower, teff_err_upper, logg, "
                "logg_err_lower, logg_err_upper, feh, feh_err_lower, feh_err_upper, rho_teff_logg, rho_teff_feh, "
                "rho_logg_feh, excluded, failed_cuts FROM measurement WHERE survey_id = 3"
            )
        content = b"".join(download.blocks)
    rows = pq.read_metadata(io.BytesIO(content)).num_rows if form is FileFormat.PARQUET else content.count(b"\n") - 1
    assert rows == download.rows == len(range(0, catalogue.N_STARS, 7))
    assert b"late" not in content
    for one in (pages, files):
        one.dispose()


def sha256(content: bytes) -> str:
    """Return what differs where files do, without a comparison of megabytes."""
    return hashlib.sha256(content).hexdigest()


def read_table(form: FileFormat, content: bytes) -> pa.Table:
    """Return the rows of a file of columns."""
    if form is FileFormat.PARQUET:
        return pq.read_table(io.BytesIO(content))
    return pa.ipc.open_stream(content).read_all()


def active(database: Database) -> int:
    """Return how many statements of clients run, or hold a transaction, in the database besides this question.

    The server's own processes do not count: autovacuum reads the freshly filled tables when it likes.
    """
    with database.connect() as connection:
        return connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND state <> 'idle' AND backend_type <> 'autovacuum worker'"
        ).scalar_one()
