"""Calibration, validation and versions as a person types them."""

import json

import pytest

from tests.support.cli import sos
from tests.support.universe import fill


@pytest.fixture
def filled(database):
    fill(database, stars=600)
    return database


def test_calibrate_publish_validate_and_list(filled):
    made = sos("calibrate", "--publish", "--jobs", "1", database=filled)
    assert made.exit_code == 0, made.output
    assert made.stdout.strip() == "1"
    report = json.loads(sos("validate", "--json", "--survey", "lamost_lrs", database=filled).stdout)
    assert {pair["parameter"] for pair in report["pairs"]} == {"teff", "logg", "feh"}
    table = sos("validate", database=filled)
    assert "lamost_lrs - apogee_dr17" in table.stdout
    versions = json.loads(sos("versions", "--json", database=filled).stdout)
    assert [(version["version"], version["state"]) for version in versions] == [(1, "published")]


def test_a_job_is_queued_listed_shown_and_cancelled(filled):
    queued = sos("calibrate", "--background", database=filled)
    assert queued.exit_code == 0, queued.output
    number = queued.stdout.strip()
    listed = json.loads(sos("jobs", "--json", database=filled).stdout)
    assert [(job["job"], job["kind"], job["state"]) for job in listed] == [(int(number), "calibrate", "running")]
    again = sos("calibrate", "--background", database=filled)
    assert (again.exit_code, f"job {number} does the same" in again.stderr) == (4, True)
    assert sos("jobs", "cancel", number, database=filled).exit_code == 0
    shown = json.loads(sos("jobs", "show", number, "--json", database=filled).stdout)
    assert (shown["job"]["state"], "cancelled by" in shown["job"]["reason"]) == ("cancelled", True)
    assert [step["state"] for step in shown["steps"]] == ["cancelled"]
    assert sos("jobs", "cancel", number, database=filled).exit_code == 4
    assert sos("jobs", "follow", number, database=filled).exit_code == 4
    assert sos("jobs", "show", "77", database=filled).exit_code == 3
    versions = json.loads(sos("versions", "--json", database=filled).stdout)
    assert [version["state"] for version in versions] == ["failed"]


def test_a_version_is_made_again_bit_for_bit_or_says_what_differs(filled):
    assert sos("calibrate", database=filled).exit_code == 0
    again = sos("calibrate", "--like", "1", database=filled)
    assert (again.exit_code, again.stdout.strip()) == (0, "2"), again.output
    assert "version 2 is, bit for bit, the same as version 1" in again.stderr
    with filled.begin() as connection:
        connection.exec_driver_sql("UPDATE measurement SET teff = teff + 50 WHERE measurement_id & 1 = 0")
    other = sos("calibrate", "--like", "1", database=filled)
    assert (other.exit_code, other.stdout.strip()) == (1, "3")
    assert "version 3 differs from version 1" in other.stderr
    assert "model: lamost_lrs.teff" in other.stderr
    assert sos("calibrate", "--like", "1", "--reference", "x", database=filled).exit_code == 2


def test_bad_plans_versions_and_an_empty_database_are_refused_by_name(database, tmp_path):
    plan = tmp_path / "mine.toml"
    plan.write_text('name = "x"\nsed = 1\n')
    wrong = sos("calibrate", "--plan", plan, database=database)
    assert (wrong.exit_code, "mine.toml: sed: unknown key" in wrong.stderr) == (2, True)
    assert sos("publish", "9", database=database).exit_code == 3
    assert sos("rollback", database=database).exit_code == 4
    assert sos("validate", database=database).exit_code == 5
    empty = sos("calibrate", database=database)
    assert (empty.exit_code, "apogee_dr17 has no measurements" in empty.stderr) == (4, True)
