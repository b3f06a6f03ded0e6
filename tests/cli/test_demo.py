"""`sos demo`: everything from files to a published version; a second run finds it done; a broken one goes on."""

import json
import shutil

import pytest

from app.pipeline.mock import write_sky
from tests.support.cli import sos


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky")
    write_sky(folder, stars=10_000, seed=3)
    return folder


def state_of(database):
    with database.connect() as connection:
        return [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            for table in ("ingestion", "measurement", "match", "version", "publication")
        ]


def test_from_files_to_a_published_version_once(database, sky, tmp_path):
    first = sos("demo", "--data", sky, "--no-serve", database=database, state=tmp_path)
    assert first.exit_code == 0, first.output
    assert "version 1: " in first.stderr
    assert "stars, served" in first.stderr
    before = state_of(database)
    assert before[1] == before[2] > 15_000
    again = sos("demo", "--data", sky, "--no-serve", database=database, state=tmp_path)
    assert again.exit_code == 0
    assert "taken in before" in again.stderr
    assert state_of(database) == before


def test_new_files_make_a_new_version_and_the_old_one_stays(database, sky, tmp_path):
    part = tmp_path / "part"
    part.mkdir()
    for name in ("allStar-dr17-synspec_rev1.fits", "dr10_v2.0_LRS_stellar.csv.gz"):
        shutil.copy(sky / name, part)
    assert sos("demo", "--data", part, "--no-serve", database=database, state=tmp_path).exit_code == 0
    shutil.copy(sky / "GALAH_DR3_main_allstar_v2.fits", part)
    assert sos("demo", "--data", part, "--no-serve", database=database, state=tmp_path).exit_code == 0
    versions = json.loads(sos("versions", "--json", database=database).stdout)
    assert [(version["version"], version["state"]) for version in versions] == [(2, "published"), (1, "retired")]


def test_a_folder_that_is_none_is_named(database, tmp_path):
    wrong = sos("demo", "--data", tmp_path / "none", "--no-serve", database=database, state=tmp_path)
    assert wrong.exit_code == 2
    assert "is not a folder of survey files" in wrong.stderr
