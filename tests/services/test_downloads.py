"""Files of tables: whole, of one snapshot, and without traces when nobody wants the rest."""

from __future__ import annotations

import gc
import io
import tracemalloc
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from app.domain.catalog import MeasurementSlice, Slice
from app.domain.columns import CATALOG
from app.domain.errors import UnavailableError
from app.domain.files import FileFormat
from app.services.downloads import Downloads
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
        yield database


@pytest.fixture
def downloads(large: Database) -> Iterator[Downloads]:
    pages = Database(large.url, options=SHORT_OPTIONS)
    files = Database(large.url, options=LONG_OPTIONS, size=1, patience_s=0.2)
    yield Downloads(pages, files)
    pages.dispose()
    files.dispose()


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
