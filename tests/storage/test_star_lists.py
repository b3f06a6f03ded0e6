"""The nearest stars to many positions at once."""

from __future__ import annotations

import numpy as np
import pytest
from psycopg import sql

from app.domain.columns import CATALOG
from app.storage import bulk, sky, star_lists
from app.storage.engine import Database, driver_connection
from app.storage.statements import composed
from tests.support import catalogue
from tests.support.catalogue import Truth

RADIUS_DEG = 0.02


@pytest.fixture
def truth(database: Database) -> Truth:
    return catalogue.build(database)


def positions(truth: Truth, n: int) -> dict[str, np.ndarray]:
    return {"places": np.arange(n) * 3, "ra": np.resize(truth.ra, n), "dec": np.resize(truth.dec, n)}


def test_positions_that_repeat_and_places_with_gaps_find_their_own_stars(database: Database, truth: Truth):
    asked = positions(truth, 2 * len(truth.ra))
    with database.connect() as session:
        found = star_lists.rows_near(session, 1, CATALOG[:1], asked, RADIUS_DEG)
    by_place = np.argsort(found["place"])
    assert found["place"][by_place].tolist() == asked["places"].tolist()
    one, other = (found["star_id"][by_place][half] for half in (slice(0, len(truth.ra)), slice(len(truth.ra), None)))
    assert one.tolist() == other.tolist()
    assert (found["separation_arcsec"] < 1e-6).all()


def test_the_server_sorts_the_stars_around_one_position_and_never_all_of_them(database: Database, truth: Truth):
    asked = {**positions(truth, 10_000), "radius": RADIUS_DEG}
    with database.connect() as session:
        driver = driver_connection(session)
        parts = star_lists._parts(1, CATALOG[:1])
        query = composed("star_lists", "rows_near", **parts, joined=sql.SQL(sky.JOINED)).as_string(driver)
        plan = [line for (line,) in driver.execute(f"EXPLAIN {bulk._written(driver, query, asked)}".encode())]
    assert any("Presorted Key: list.number" in line for line in plan), plan
    assert not any("->  Sort " in line for line in plan), plan
