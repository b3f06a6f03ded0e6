"""Sky queries: index used, poles and RA 0 right, and the same rows as the real q3c extension."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import sql

import migrations
from app.science.sphere import moved, separation_arcsec
from app.storage import bulk, migrate, sky
from app.storage.engine import Database, driver_connection
from tests.support import servers

FUNCTIONS = (Path(migrations.__file__).parent / "sql" / "0002_sky.sql").read_text(encoding="utf-8")
RADII = (0.0, 1e-4, 1 / 60, 0.5, 5.0, 40.0, 89.0, 91.0, 130.0, 180.0)


def _places(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions all over the sky, and crowds at both poles, on RA 0 and near a pole."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    crowd = rng.integers(0, 9, n)
    for number, (centre_ra, centre_dec) in enumerate([(0, 90), (0, -90), (0, 0), (359.999, 55), (200, 89.9)]):
        ra[crowd == number], dec[crowd == number] = centre_ra, centre_dec
    scatter = 10 ** rng.uniform(-5, 0.5, n) * 3.6e6
    ra, dec = moved(ra, dec, *(rng.normal(0, 1, (2, n)) * scatter), 1.0)
    ra[:6], dec[:6] = [0, 0, 0, 180, 10, 190], [90, -90, 0, 0, 40, -40]
    return ra, np.clip(dec, -90, 90)


def _fill(driver: psycopg.Connection[Any], table: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    ra, dec = _places(n, seed)
    rng = np.random.default_rng(seed + 1)
    pm = rng.normal(0, 3000, (2, n))
    columns = "(id int PRIMARY KEY, ra float8, dec float8, pmra float8, pmdec float8, epoch float8)"
    driver.execute(sql.SQL("CREATE TABLE {} " + columns).format(sql.Identifier(table)))
    with driver.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
        for i in range(n):
            motion = (None, None) if i % 7 == 0 else (float(pm[0, i]), float(pm[1, i]))
            copy.write_row((i, float(ra[i]), float(dec[i]), *motion, 2000.0 + 0.5 * (i % 33)))
    return ra, dec


@pytest.fixture(scope="module")
def both(q3c_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A database with the extension in `public` and our functions in `core`, and tables indexed for both."""
    with servers.scratch_database(q3c_url, "template1") as made, psycopg.connect(made.url, autocommit=True) as driver:
        driver.execute("CREATE EXTENSION IF NOT EXISTS q3c")
        driver.execute("CREATE SCHEMA core")
        driver.execute("SET search_path = core")
        driver.execute(FUNCTIONS.encode())
        driver.execute("SET search_path = core, public")
        for table, n, seed in (("star", 20_000, 1), ("source", 3_000, 2)):
            _fill(driver, table, n, seed)
            driver.execute(sky.sky_index_sql(table, extension=False))
            index = sky.sky_index_sql(table, extension=True).as_string().replace("_sky", "_q3c")
            driver.execute(index.replace("q3c_ang2ipix", "public.q3c_ang2ipix").encode())
            driver.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
        yield driver


def _ids(driver: psycopg.Connection[Any], statement: str, *params: Any) -> list[tuple[int, ...]]:
    return sorted(driver.execute(statement.encode(), params).fetchall())


def _same(driver: psycopg.Connection[Any], statement: str, *params: Any) -> list[tuple[int, ...]]:
    """Run a query with `core.` and with `public.` functions; the rows must be the same."""
    ours = _ids(driver, statement.replace("@", "core."), *params)
    assert ours == _ids(driver, statement.replace("@", "public."), *params), params
    return ours


@pytest.mark.q3c
def test_cones_hold_the_same_stars_as_the_real_q3c(both: psycopg.Connection[Any]) -> None:
    rng = np.random.default_rng(3)
    ra, dec = _places(400, 4)
    radii = rng.choice(RADII, 400, p=[0.05, 0.2, 0.2, 0.2, 0.2, 0.05, 0.025, 0.025, 0.025, 0.025])
    centres = [*zip(ra.tolist(), dec.tolist(), radii.tolist(), strict=True)]
    centres += [(a, d, r) for a, d in ((0.0, 90.0), (123.0, -90.0), (0.0, 0.0), (360.0, 20.0)) for r in RADII]
    found = 0
    for cone in centres:
        query = "SELECT id FROM star WHERE @q3c_radial_query(ra, dec, %s::float8, %s::float8, %s::float8)"
        found += len(_same(both, query, *cone))
    assert found > 50_000


@pytest.mark.q3c
@pytest.mark.parametrize("radius", [0.0, 1e-4, 0.01, 0.3])
def test_joins_hold_the_same_pairs_as_the_real_q3c(both: psycopg.Connection[Any], radius: float) -> None:
    query = "SELECT s.id, t.id FROM source s JOIN star t ON @q3c_join(s.ra, s.dec, t.ra, t.dec, %s::float8)"
    assert len(_same(both, query, radius)) > (1000 if radius >= 0.01 else -1)


@pytest.mark.q3c
@pytest.mark.parametrize("flag", [0, 1])
def test_joins_with_proper_motion_hold_the_same_pairs_as_the_real_q3c(both: psycopg.Connection[Any], flag: int) -> None:
    query = """
        SELECT s.id, t.id FROM source s JOIN star t
        ON @q3c_join_pm(s.ra, s.dec, s.pmra, s.pmdec, %s, s.epoch, t.ra, t.dec, t.epoch, 20::float8, %s::float8)
        WHERE abs(s.dec) < 89.9"""
    moving = _same(both, query, flag, 0.005)
    still = (
        "SELECT s.id, t.id FROM source s JOIN star t ON @q3c_join(s.ra, s.dec, t.ra, t.dec, %s) WHERE abs(s.dec) < 89.9"
    )
    assert len(moving) > 100
    assert moving != _same(both, still, 0.005)


@pytest.mark.q3c
def test_distances_agree_with_the_real_q3c(both: psycopg.Connection[Any]) -> None:
    worst = both.execute(
        """
        SELECT max(abs(core.q3c_dist(s.ra, s.dec, t.ra, t.dec) - public.q3c_dist(s.ra, s.dec, t.ra, t.dec))),
            max(abs(core.q3c_dist_pm(s.ra, s.dec, s.pmra, s.pmdec, s.id % 2, s.epoch, t.ra, t.dec, t.epoch)
                - public.q3c_dist_pm(s.ra, s.dec, s.pmra, s.pmdec, s.id % 2, s.epoch, t.ra, t.dec, t.epoch)))
        FROM source s JOIN star t ON t.id BETWEEN s.id AND s.id + 10 WHERE abs(s.dec) < 89.9"""
    ).fetchone()
    assert worst is not None
    assert max(worst) < 1e-6
    nulls = "SELECT @q3c_dist(NULL, 1, 2, 3) IS NULL, @q3c_dist(1, 2, NULL, 3) IS NULL"
    assert _same(both, nulls) == [(True, True)]
    near = (
        "SELECT @q3c_dist(10, 80, 10 + 1e-9, 80)::text, @q3c_dist(10, 80, 10, 80)::text, @q3c_dist(0, 90, 9, -90)::text"
    )
    assert _same(both, near)


@pytest.mark.q3c
def test_polygons_hold_the_same_stars_as_the_real_q3c(both: psycopg.Connection[Any]) -> None:
    rng = np.random.default_rng(5)
    ra, dec = _places(60, 6)
    found = 0
    for i in range(60):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
        reach = 10 ** rng.uniform(-2, 0.7) * rng.uniform(0.3, 1, 7) * 3.6e6
        corners = np.column_stack(
            moved(np.full(7, ra[i]), np.full(7, dec[i]), reach * np.cos(angles), reach * np.sin(angles), 1.0)
        )
        found += len(
            _same(both, "SELECT id FROM star WHERE @q3c_poly_query(ra, dec, %s::float8[])", corners.ravel().tolist())
        )
    assert found > 1000


@pytest.mark.q3c
def test_the_migrations_take_the_extension_where_the_server_has_it(q3c_url: str) -> None:
    with servers.scratch_database(q3c_url, "template0") as database:
        with database.begin() as connection:
            migrate.upgrade(connection)
            assert sky.uses_extension(connection)
        _check_stars_in_cone(database)
        with database.begin() as connection:
            migrate.downgrade(connection, "0001")
            migrate.upgrade(connection)


@pytest.mark.q3c
def test_without_the_right_to_create_the_extension_its_stand_in_is_made(q3c_url: str) -> None:
    with servers.scratch_database(q3c_url, "template0") as database, database.begin() as connection:
        driver = driver_connection(connection)
        driver.execute("DROP EXTENSION IF EXISTS q3c")
        driver.execute("CREATE ROLE sos_test_plain")
        driver.execute("GRANT CREATE ON SCHEMA public TO sos_test_plain")
        driver.execute("SET ROLE sos_test_plain")
        sky.install(connection, functions=FUNCTIONS)
        assert not sky.uses_extension(connection)
        assert driver.execute("SELECT q3c_radial_query(359.9, 0, 0.1, 0, 0.3)").fetchone() == (True,)
        connection.rollback()


def test_migrations_make_and_drop_the_functions(empty_database: Database) -> None:
    with empty_database.begin() as connection:
        migrate.upgrade(connection)
        driver = driver_connection(connection)
        if sky.uses_extension(connection):
            pytest.skip("this server has q3c itself")
        assert driver.execute("SELECT q3c_radial_query(359.9, 0, 0.1, 0, 0.3)").fetchone() == (True,)
        migrate.downgrade(connection, "0001")
        left = "SELECT count(*) FROM pg_proc WHERE proname LIKE 'q3c\\_%' OR proname LIKE 'sky\\_%'"
        assert driver.execute(left.encode()).fetchone() == (0,)


@pytest.mark.parametrize("radius", [0.02, 1.0, 40.0, 3600.0, 100_000.0])
def test_the_cell_join_finds_every_pair_once(empty_database: Database, radius: float) -> None:
    n = 400 if radius > 1000 else 3000
    with empty_database.begin() as connection:
        driver = driver_connection(connection)
        ra, dec = _fill(driver, "left_side", n, 11)
        right_ra, right_dec = _fill(driver, "right_side", n, 12)
        pairs = sky.pairs_within_radius(connection, "left_side", "right_side", radius)
    separation = np.asarray(separation_arcsec(ra[:, None], dec[:, None], right_ra, right_dec))
    expected = set(zip(*map(np.ndarray.tolist, np.nonzero(separation < radius)), strict=True))
    found = list(zip(pairs["left_id"].tolist(), pairs["right_id"].tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert len(found) > (5 if radius < 1 else 50)
    np.testing.assert_allclose(pairs["separation_arcsec"], separation[pairs["left_id"], pairs["right_id"]], atol=1e-6)


def test_stars_in_a_cone_come_nearest_first(database: Database) -> None:
    _check_stars_in_cone(database)


def _check_stars_in_cone(database: Database) -> None:
    """Cones on a version's partition hold what the haversine formula says, nearest first, page by page."""
    ra, dec = _places(4000, 7)
    with database.begin() as connection:
        _publishable_stars(connection, 1, ra, dec)
        _publishable_stars(connection, 2, ra[:9], dec[:9])
        for centre_ra, centre_dec, radius in ((0, 90, 0.5), (77, -90, 2), (0, 0, 0.01), (359.9, 55, 3), (12, 34, 180)):
            separation = np.asarray(separation_arcsec(ra, dec, centre_ra, centre_dec))
            inside = np.flatnonzero(separation < 3600 * radius)
            expected = inside[np.argsort(separation[inside], kind="stable")]
            params = {
                "ra": centre_ra,
                "dec": centre_dec,
                "radius": radius,
                "version_id": 1,
                "limit": 10**6,
                "offset": 0,
            }
            rows = bulk.copy_out(connection, sky.STARS_IN_CONE, params)
            assert len(expected) > 20
            np.testing.assert_allclose(rows["separation_arcsec"], separation[expected], atol=1e-6)
            assert set(rows["star_id"].tolist()) == set(expected.tolist())
            page = bulk.copy_out(connection, sky.STARS_IN_CONE, params | {"limit": 7, "offset": 5})
            assert page["star_id"].tolist() == rows["star_id"][5:12].tolist()


def _publishable_stars(connection: Any, version: int, ra: np.ndarray, dec: np.ndarray) -> None:
    driver, table = driver_connection(connection), f"homogenized_{version}"
    partition = sql.SQL("CREATE TABLE {} PARTITION OF homogenized FOR VALUES IN ({})")
    driver.execute(partition.format(sql.Identifier(table), sql.Literal(version)))
    zeros = np.zeros(len(ra), np.int64)
    counts = {f"{p}_{c}": zeros for p in ("teff", "logg", "feh") for c in ("n", "flags")}
    bulk.copy_in(
        connection,
        table,
        {"version_id": zeros + version, "star_id": np.arange(len(ra)), "ra": ra, "dec": dec, **counts},
    )
    sky.create_sky_index(connection, table)
    driver.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


IN_POLYGON = "SELECT star_id FROM homogenized WHERE version_id = 1 AND " + sky.IN_POLYGON
JOIN = "SELECT count(*) FROM place p JOIN homogenized h ON q3c_join(p.ra, p.dec, h.ra, h.dec, $1)"
MOVING_JOIN = """SELECT count(*) FROM place p JOIN homogenized h
    ON q3c_join_pm(p.ra, p.dec, p.pmra, p.pmdec, 1, 2016, h.ra, h.dec, 2000, 20, $1)"""
GENERIC = {
    "cone": ("float8, float8, float8", sky.STARS_IN_CONE, "(12.0, 34.0, 0.01)"),
    "polygon": ("float8[]", IN_POLYGON, "('{1,1,2,1,2,2}')"),
    "join": ("float8", JOIN, "(0.001)"),
    "moving": ("float8", MOVING_JOIN, "(0.001)"),
}


@pytest.mark.parametrize("query", GENERIC)
def test_generic_plans_read_the_index(database: Database, query: str) -> None:
    types, statement, values = GENERIC[query]
    numbered = {
        "ra": "$1",
        "dec": "$2",
        "radius": "$3",
        "corners": "$1",
        "version_id": "1",
        "limit": "100",
        "offset": "0",
    }
    for name, place in numbered.items():
        statement = statement.replace(f"%({name})s", place)
    with database.begin() as connection:
        driver = driver_connection(connection)
        _publishable_stars(connection, 1, *_places(30_000, 8))
        _fill(driver, "place", 100, 9)
        for option in sky.READING_OPTIONS.split("-c ")[1:]:
            name, _, value = option.strip().partition("=")
            driver.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        driver.execute(f"PREPARE asked ({types}) AS {statement}".encode())
        plan = "\n".join(row[0] for row in driver.execute(f"EXPLAIN EXECUTE asked {values}".encode()))
    assert "Index Scan on ix_homogenized_1_sky" in plan, plan
    assert "Seq Scan on homogenized_1" not in plan, plan
