"""`sos crossmatch` as a person calls it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.storage.engine import Database
from tests.support.cli import sos
from tests.support.sightings import add_rows


@pytest.fixture
def filled(database: Database) -> Database:
    places = {"ra": np.array([10.0, 20.0, 30.0]), "dec": np.array([1.0, 2.0, 3.0]), "object_id": [1, 2, 3]}
    add_rows(database, "alpha", places)
    add_rows(database, "beta", places | {"dec": np.array([1.001, 2.0, 3.0])})
    return database


def test_counts_and_common_stars_are_printed(filled: Database) -> None:
    shown = sos("crossmatch", database=filled)
    assert shown.exit_code == 0, shown.output
    assert "matched stars" in shown.stdout
    assert shown.stdout.splitlines()[-1].split() == ["alpha", "beta", "2"]


def test_scripts_read_json_and_choose_radii(filled: Database) -> None:
    summary = json.loads(sos("crossmatch", "--json", database=filled).stdout)
    assert (summary["stars"], summary["by_position"], summary["alone"]) == (4, 4, 2)
    assert summary["overlaps"] == [{"first": "alpha", "second": "beta", "stars": 2}]
    wider = json.loads(sos("crossmatch", "--json", "--radius", "beta=5", database=filled).stdout)
    assert (wider["stars"], wider["new_stars"], wider["gone_stars"]) == (3, 0, 1)


@pytest.mark.parametrize(
    ("option", "words"),
    [("gamma=3", "no survey 'gamma'"), ("beta", "SURVEY=ARCSEC"), ("beta=0", "above 0"), ("beta=nan", "above 0")],
)
def test_a_wrong_radius_is_refused(filled: Database, option: str, words: str) -> None:
    shown = sos("crossmatch", "--radius", option, database=filled)
    assert shown.exit_code == 2
    assert words in shown.stderr
