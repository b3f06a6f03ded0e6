"""Stars are found by every name that they have."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.errors import UnknownStarError
from app.domain.stars import GaiaSource, StarNumber, SurveyObject
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.storage import stars
from app.storage.engine import Database
from tests.support.sightings import add_rows

GAIA = 2**62 + 128


@pytest.fixture
def matched(database: Database) -> Database:
    places = {"ra": np.array([10.0, 10.0001, 200.0]), "dec": np.array([5.0, 5.0, -89.9999])}
    add_rows(database, "alpha", places | {"object_id": ["x:1", "2", "3"], "gaia_dr3": [GAIA, GAIA, 0]})
    add_rows(database, "beta", {"ra": np.array([10.0]), "dec": np.array([5.0]), "object_id": ["2"]})
    crossmatch(database, survey_radii(database))
    return database


def test_a_star_is_found_by_its_names(matched: Database) -> None:
    names = (GaiaSource(GAIA), SurveyObject("alpha", "x:1"), SurveyObject("alpha", "2"), SurveyObject("beta", "2"))
    with matched.connect() as connection:
        number = stars.find(connection, names[0])
        assert {stars.find(connection, name) for name in (*names, StarNumber(number))} == {number}
        assert stars.find(connection, SurveyObject("alpha", "3")) != number


@pytest.mark.parametrize(
    "name",
    [GaiaSource(2**62), GaiaSource(2**63 - 1), SurveyObject("gamma", "2"), SurveyObject("beta", "3"), StarNumber(99)],
)
def test_what_is_not_there_is_said_so(matched: Database, name: GaiaSource | SurveyObject | StarNumber) -> None:
    with matched.connect() as connection, pytest.raises(UnknownStarError, match=f"there is no star {name}$"):
        stars.find(connection, name)


def test_stars_of_two_surveys_are_counted_once(matched: Database) -> None:
    with matched.connect() as connection:
        assert [(one.first, one.second, one.stars) for one in stars.overlaps(connection)] == [("alpha", "beta", 1)]
