"""`sos survey` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.storage.engine import Database
from tests.support.cli import sos
from tests.support.descriptors import TOML, write_toy


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A state folder in which the toy survey is known."""
    state = tmp_path / "state"
    (state / "surveys").mkdir(parents=True)
    (state / "surveys" / "toy.toml").write_text(TOML)
    return state


def test_a_descriptor_is_tried_before_it_is_installed(tmp_path: Path) -> None:
    state, descriptor = tmp_path / "state", tmp_path / "toy.toml"
    descriptor.write_text(TOML)
    table = write_toy(tmp_path / "toy.parquet", 10, ra=[None] * 2 + [1.0] * 8, flag=[2] * 3 + [0] * 7)
    found = sos("survey", "add", descriptor, "--table", table, "--json", state=state)
    assert found.exit_code == 0, found.output
    trial = json.loads(found.stdout)
    assert (trial["rows"], trial["stored"]) == (10, 8)
    assert trial["rejected"] == {"no position": 2}
    assert trial["failed_cuts"] == {"flag": 1, "poor iron": 0}
    assert trial["without_value"]["feh_err_lower"] == 8
    assert trial["first_rows"][0] == {
        "object_id": "star 2",
        "gaia_dr3": 2**62 + 2,
        "ra": 1.0,
        "dec": pytest.approx(-83.8),
        "snr": 50.0,
        "teff": 5002.0,
        "teff_err_lower": 50.0,
        "logg": 2.5,
        "feh": -0.5,
        "excluded": 7,
    }
    assert {"ours": "teff", "column": "teff", "file_unit": "", "our_unit": "K"} in trial["mapping"]
    assert (state / "surveys" / "toy.toml").read_text() == TOML
    plain = sos("survey", "add", descriptor, "--table", table, state=state)
    assert "no position" in plain.stdout
    assert "star 2" in plain.stdout


def test_a_descriptor_that_does_not_fit_is_not_installed(tmp_path: Path) -> None:
    state, descriptor = tmp_path / "state", tmp_path / "toy.toml"
    descriptor.write_text(TOML)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    found = sos("survey", "add", descriptor, "--table", tmp_path / "other.csv", state=state)
    assert found.exit_code == 2
    assert "toy (table) needs the column(s) id, gaia, tmass, ra, dec" in found.stderr
    descriptor.write_text(TOML.replace("floor = 30.0", "flor = 30.0"))
    found = sos("survey", "add", descriptor, state=state)
    assert found.exit_code == 2
    assert "toy.toml: parameters.teff.error.flor: unknown key; did you mean floor?" in found.stderr
    assert not (state / "surveys").exists()


def test_an_installed_descriptor_is_not_overwritten_by_chance(installed: Path, tmp_path: Path) -> None:
    descriptor = tmp_path / "toy.toml"
    descriptor.write_text(TOML.replace("floor = 30.0", "floor = 40.0"))
    found = sos("survey", "add", descriptor, state=installed)
    assert found.exit_code == 4
    assert (installed / "surveys" / "toy.toml").read_text() == TOML
    assert sos("survey", "add", descriptor, "--replace", state=installed).exit_code == 0
    assert "floor = 40.0" in (installed / "surveys" / "toy.toml").read_text()


def test_files_are_taken_in_listed_and_their_rejects_shown(database: Database, installed: Path, tmp_path: Path) -> None:
    table = write_toy(tmp_path / "toy.parquet", 10, ra=[None] * 2 + [1.0] * 8)
    found = sos("survey", "ingest", "toy", table, "--json", database=database, state=installed)
    assert found.exit_code == 0, found.output
    row = {"file_name": "toy.parquet", "survey": "toy", "file_format": "Parquet", "rows_read": 10, "rows_stored": 8}
    assert json.loads(found.stdout) == [{**row, "rows_rejected": 2, "repeated": False}]
    again = sos("survey", "ingest", "--all", tmp_path, "--json", database=database, state=installed)
    assert [one["repeated"] for one in json.loads(again.stdout)] == [True]
    listed = json.loads(sos("survey", "list", "--json", database=database, state=installed).stdout)
    assert [(one["name"], one["n_files"], one["n_rows"], one["n_rejects"]) for one in listed] == [("toy", 1, 8, 2)]
    rejected = json.loads(sos("survey", "rejects", "toy", "--json", database=database, state=installed).stdout)
    assert [(one["row_number"], one["reason"]) for one in rejected] == [(1, "no position"), (2, "no position")]
    assert rejected[0]["original"]["id"] == "star 0"
    counted = json.loads(sos("survey", "rejects", "toy", "--reasons", "--json", database=database).stdout)
    assert counted == [{"reason": "no position", "rows": 2}]


def test_another_descriptor_of_a_file_is_a_conflict(database: Database, installed: Path, tmp_path: Path) -> None:
    table = write_toy(tmp_path / "toy.parquet", 4)
    assert sos("survey", "ingest", "toy", table, database=database, state=installed).exit_code == 0
    (installed / "surveys" / "toy.toml").write_text(TOML.replace("floor = 30.0", "floor = 40.0"))
    found = sos("survey", "ingest", "toy", table, database=database, state=installed)
    assert found.exit_code == 4
    assert "--replace" in found.stderr
    assert sos("survey", "ingest", "toy", table, "--replace", database=database, state=installed).exit_code == 0


def test_what_cannot_be_is_refused_with_its_exit_code(database: Database, installed: Path, tmp_path: Path) -> None:
    def code(*arguments: str | Path) -> int:
        return sos("survey", *arguments, database=database, state=installed).exit_code

    assert code("ingest") == 2
    assert code("ingest", "toy") == 2
    assert code("ingest", "toy", tmp_path / "missing.csv") == 2
    assert code("ingest", "unknown", tmp_path / "missing.csv") == 3
    assert code("rejects", "toy") == 3
    assert code("fetch", "toy", "--out", tmp_path / "x.parquet") == 2
    assert code("fetch", "galah_dr4", "--out", tmp_path / "x.parquet", "--region", "here") == 2


def test_known_formats_are_listed_without_a_database(installed: Path) -> None:
    found = json.loads(sos("survey", "list", "--known", "--json", state=installed).stdout)
    names = {one["name"] for one in found}
    assert {"toy", "apogee_dr17", "gaia_gspspec"} <= names
    assert next(one for one in found if one["name"] == "toy")["descriptor"] == "toy.toml"
    assert not (installed / "pg").exists()
