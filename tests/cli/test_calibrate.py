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


def test_a_job_is_queued_and_listed(filled):
    queued = sos("calibrate", "--background", database=filled)
    assert queued.exit_code == 0, queued.output
    jobs = json.loads(sos("jobs", "--json", database=filled).stdout)
    assert [(job["job_id"], job["task"], job["status"]) for job in jobs] == [(int(queued.stdout), "calibrate", "todo")]
    again = sos("calibrate", "--background", database=filled)
    assert again.exit_code == 4
    assert "waiting already" in again.stderr


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
