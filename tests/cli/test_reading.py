"""`sos star`, `sos cone`, `sos export`: the service's answers without the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.catalogue import N_STARS
from tests.support.cli import sos


@pytest.fixture(scope="module")
def published(server_url: str, template: str) -> Iterator[Database]:
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        yield database


def test_star_shows_values_and_every_measurement(published: Database):
    shown = sos("star", "sos:11", database=published)
    assert shown.exit_code == 0, shown.output
    assert "4200" in shown.stdout
    for survey in catalogue.SURVEYS:
        assert survey in shown.stdout
    star = json.loads(sos("star", "sos:11", "--json", "--version", "1", database=published).stdout)
    assert (star["version"], star["star_id"], star["teff"]["value"]) == (1, "11", 4100)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["star", "sos:2"], 3, "no star sos:2"),
        (["star", "x"], 2, "names no star"),
        (["star", "sos:11", "--version", "9"], 3, "no version 9"),
        (["cone", "0", "-95", "1"], 2, "-90 to 90"),
        (["cone", "0", "5", "1", "--unit", "rad"], 2, "deg, arcmin or arcsec"),
        (["export", "x.xls"], 2, "must end in .csv, .parquet"),
        (["export", "x.csv", "--format", "xls"], 2, "must be one of csv, parquet, arrow, jsonl, fits, votable, hats"),
        (["export", "x.csv", "--columns", "nope"], 2, "no column 'nope'"),
        (["export", "x.csv", "--cone", "1 2"], 2, "RA DEC RADIUS"),
        (["export", "x.csv", "--survey", "delta"], 3, "delta"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    published: Database, arguments: list[str], code: int, words: str, tmp_path: Path
):
    answer = sos(*[str(tmp_path / one) if one.startswith("x.") else one for one in arguments], database=published)
    assert answer.exit_code == code, answer.output
    assert words in " ".join(answer.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_cone_takes_a_negative_declination_and_says_when_there_is_more(published: Database):
    south = sos("cone", "0", "-90", "1", "--unit", "arcmin", "--json", database=published)
    assert [star["star_id"] for star in json.loads(south.stdout)] == ["20", "23"]
    cut = sos("cone", "150", "2", "0.01", "--limit", "1", database=published)
    assert "more than 1 stars" in cut.stderr


def test_export_writes_whole_files_alone(published: Database, tmp_path: Path):
    parquet, csv = tmp_path / "all.parquet", tmp_path / "cool.csv"
    assert sos("export", parquet, database=published).exit_code == 0
    assert pq.read_metadata(parquet).num_rows == N_STARS
    options = ["--teff-max", "4202", "--columns", "star_id,teff", "--version", "2"]
    assert sos("export", csv, *options, database=published).exit_code == 0
    assert csv.read_text() == "star_id,teff\n11,4200\n14,4201\n17,4202\n"
    assert sos("export", csv, database=published).exit_code == 4, "an existing file stays"
    assert sos("export", csv, "--force", "--teff-min", "9999", "--columns", "teff", database=published).exit_code == 0
    assert csv.read_text() == "teff\n"
    assert {path.name for path in tmp_path.iterdir()} == {"all.parquet", "cool.csv"}


def test_export_writes_a_hats_folder_whole_or_not_at_all(published: Database, tmp_path: Path):
    folder = tmp_path / "sos"
    assert sos("export", folder, "--format", "hats", database=published).exit_code == 0
    assert "hats_nrows=300\n" in (folder / "hats.properties").read_text()
    assert sum(pq.read_metadata(path).num_rows for path in (folder / "dataset").rglob("*.parquet")) == N_STARS
    assert sos("export", folder, "--format", "hats", database=published).exit_code == 4, "an existing folder stays"
    again = ["export", folder, "--format", "hats", "--force", "--teff-max", "4202", "--version", "2"]
    assert sos(*again, "--survey", "delta", database=published).exit_code == 3
    assert "hats_nrows=300\n" in (folder / "hats.properties").read_text()
    assert sos(*again, database=published).exit_code == 0
    assert "hats_nrows=3\n" in (folder / "hats.properties").read_text()
    assert sos("export", folder, "--format", "csv", "--force", database=published).exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["sos"]
