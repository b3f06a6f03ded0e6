"""The real survey tables: counts, traps and ids as their README tells them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from sqlalchemy import text

from app.domain.surveys import Ingestion
from app.pipeline.ingest import ingest_folder
from app.storage.bulk import copy_out
from app.storage.engine import Database
from tests.support import servers

pytestmark = pytest.mark.real

FILES = {
    "apogee_dr17.fits": ("apogee_dr17", 52_866, 0),
    "galah_dr4.csv": ("galah_dr4", 966, 500),
    "galah_dr3.fits": ("galah_dr3", 1_874, 11),
    "lamost_lrs_dr3_giants.csv": ("lamost_lrs_giants", 22_161, 0),
    "lamost_lrs_clusters.csv": ("lamost_lrs", 691, 0),
    "lamost_mrs_clusters.csv": ("lamost_mrs", 555, 0),
    "rave_dr4_clusters.csv": ("rave_dr4", 182, 4),
    "gaia_dr3_gspspec.csv": ("gaia_gspspec", 64, 0),
}


@pytest.fixture(scope="module")
def sky(server_url: str, template: str, real_data: Path) -> Iterator[tuple[Database, list[Ingestion]]]:
    with servers.scratch_database(server_url, template) as database:
        yield database, ingest_folder(database, real_data)


def columns(database: Database, survey: str, names: str) -> dict[str, np.ndarray]:
    with database.connect() as connection:
        return copy_out(connection, f"SELECT {names} FROM measurement_{survey} ORDER BY row_number")


def count(database: Database, query: str) -> int:
    with database.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def test_every_row_of_every_file_is_in_a_survey_or_its_rejects(sky) -> None:
    database, taken = sky
    found = {one.file_name: (one.survey, one.rows_read, one.rows_rejected) for one in taken}
    assert found == FILES
    for one in taken:
        assert one.rows_read == one.rows_stored + one.rows_rejected
        stored = count(database, f"SELECT count(*) FROM measurement_{one.survey}")
        raw = count(database, f"SELECT count(*) FROM raw.{one.survey}")
        rejected = count(database, f"SELECT count(*) FROM reject WHERE ingestion_id = {one.ingestion_id}")
        assert (stored, raw, rejected) == (one.rows_stored, one.rows_stored, one.rows_rejected)


def test_galah_rows_without_position_are_rejected_for_that(sky) -> None:
    database, _ = sky
    query = """
        SELECT count(*) FROM reject JOIN survey USING (survey_id) WHERE name = 'galah_dr4' AND reason = 'no position'
        AND original ->> 'ra' IS NULL AND original ->> 'teff' IS NOT NULL
    """
    assert count(database, query) == 500


def test_raw_tables_have_every_column_and_value(sky, real_data: Path) -> None:
    database, _ = sky
    original = Table.read(real_data / "apogee_dr17.fits")
    with database.connect() as connection:
        stored = copy_out(connection, "SELECT * FROM raw.apogee_dr17 ORDER BY row_number")
    assert set(original.colnames) <= set(stored)
    for name in original.colnames:
        expected = np.asarray(original[name])
        if expected.dtype.kind == "S":
            expected = np.char.decode(expected).astype(object)
        np.testing.assert_array_equal(stored[name], expected, err_msg=name)


@pytest.mark.parametrize(
    ("survey", "file", "column"),
    [
        ("lamost_lrs", "lamost_lrs_clusters.csv", "dr3_source_id"),
        ("lamost_mrs", "lamost_mrs_clusters.csv", "dr3_source_id"),
        ("gaia_gspspec", "gaia_dr3_gspspec.csv", "source_id"),
    ],
)
def test_ids_are_exact_to_the_last_digit(sky, real_data: Path, survey: str, file: str, column: str) -> None:
    database, _ = sky
    with (real_data / file).open() as lines:
        expected = [row[column] for row in csv.DictReader(lines)]
    found = columns(database, survey, "gaia_dr3, object_id")
    assert [str(number) for number in found["gaia_dr3"].tolist()] == expected
    assert found["object_id"].tolist() == expected


def test_fits_ids_are_exact_and_zero_is_none(sky, real_data: Path) -> None:
    database, _ = sky
    original = Table.read(real_data / "apogee_dr17.fits")
    found = columns(database, "apogee_dr17", "gaia_dr3, gaia_dr3 IS NULL AS missing, tmass, object_id")
    np.testing.assert_array_equal(found["gaia_dr3"], original["GAIAEDR3_SOURCE_ID"])
    assert found["missing"].sum() == 52_866 - 9_263
    assert found["tmass"].tolist() == [name.removeprefix("2M") for name in found["object_id"]]
    galah = columns(database, "galah_dr3", "gaia_dr3, gaia_dr2 IS NULL AS no_dr2")
    assert galah["no_dr2"].all()
    assert (galah["gaia_dr3"] > 0).all()


def test_errors_are_missing_where_none_was_measured(sky) -> None:
    database, _ = sky

    def errors(survey: str, column: str = "teff_err_lower") -> int:
        return int((~np.isnan(columns(database, survey, column)[column])).sum())

    assert errors("apogee_dr17", "logg_err_lower") == 20_322
    # The Kepler sample's Teff errors are those of the scale, not of single stars.
    assert errors("apogee_dr17") == 20_322 - 11_059
    assert errors("galah_dr4") == errors("lamost_lrs_giants") == 0
    # Imputed errors are not the survey's.
    assert errors("lamost_lrs") == 691 - 34
    assert errors("lamost_mrs") == 555 - 42
    percentiles = columns(database, "gaia_gspspec", "teff_err_lower, teff_err_upper")
    assert (percentiles["teff_err_lower"] != percentiles["teff_err_upper"]).any()


def test_sentinels_are_no_values(sky) -> None:
    database, _ = sky
    rave = columns(database, "rave_dr4", "teff, logg, feh, teff_err_lower, snr")
    assert rave["teff"].min() > 3_000
    assert rave["logg"].max() < 6
    assert rave["feh"].max() < 2
    assert np.isnan(rave["snr"]).sum() == 1
    assert count(database, "SELECT count(*) FROM raw.lamost_mrs WHERE rv_err = 9999") > 0


def test_flags_exclude_but_do_not_hide(sky, real_data: Path) -> None:
    database, _ = sky

    def excluded(survey: str) -> int:
        return int((columns(database, survey, "excluded")["excluded"] > 0).sum())

    galah = Table.read(real_data / "galah_dr3.fits")
    values = np.array([np.ma.filled(galah[name], np.nan) for name in ("teff", "logg", "fe_h")])
    flagged = (np.asarray(galah["flag_sp"]) != 0) | (np.asarray(galah["flag_fe_h"]) != 0)
    assert excluded("galah_dr3") == int((flagged & ~np.isnan(values).all(axis=0)).sum()) > 100
    with (real_data / "gaia_dr3_gspspec.csv").open() as lines:
        strict = sum(row["flags_gspspec"].startswith("0" * 13) for row in csv.DictReader(lines))
    assert excluded("gaia_gspspec") == 64 - strict
    with (real_data / "rave_dr4_clusters.csv").open() as lines:
        kept = [row for row in csv.DictReader(lines) if row["ALGOCONV"] == "0" and float(row["SNRK"]) > 20]
    assert excluded("rave_dr4") == 178 - len(kept)
    false_poor = columns(database, "lamost_mrs", "feh, excluded")
    assert (false_poor["excluded"][false_poor["feh"] < -1] == 7).all()


def test_text_flags_and_designations_stay_text(sky) -> None:
    database, _ = sky
    assert count(database, "SELECT count(*) FROM raw.gaia_gspspec WHERE length(flags_gspspec) = 41") == 64
    assert count(database, "SELECT count(*) FROM raw.galah_dr4 WHERE tmass_id = '04214742-6700046'") == 1
    assert count(database, "SELECT count(*) FROM measurement_galah_dr4 WHERE tmass ~ '^[0-9]{8}[+-][0-9]{7}$'") == 466


def test_a_second_time_every_file_is_known(sky, real_data: Path) -> None:
    database, taken = sky
    again = ingest_folder(database, real_data)
    assert all(one.repeated for one in again)
    assert [one.ingestion_id for one in again] == [one.ingestion_id for one in taken]
