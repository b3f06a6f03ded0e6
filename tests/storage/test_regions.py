"""Regions in SQL hold the stars that geometry and mocpy say, everywhere on the sky, and read the index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import astropy.units as u
import numpy as np
import psycopg
import pytest
from astropy.coordinates import SkyCoord
from mocpy import MOC

from app.domain.pixels import PixelSet
from app.domain.polygons import Polygon
from app.domain.regions import Region
from app.storage import bulk, sky
from app.storage.engine import driver_connection
from tests.support import servers

N = 30_000
CROWDS = ((0, 90), (0, -90), (0, 0), (359.999, 55), (200, 89.9), (132.85, 11.81))


@pytest.fixture(scope="module")
def places(server_url: str, template: str) -> Iterator[tuple[psycopg.Connection[Any], SkyCoord]]:
    """A table of positions all over the sky, with crowds at the poles and on RA 0, and the same for astropy."""
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 360, N), np.degrees(np.arcsin(rng.uniform(-1, 1, N)))
    crowd = rng.integers(0, 12, N)
    for number, centre in enumerate(CROWDS):
        chosen = crowd == number
        middle = SkyCoord(*centre, unit="deg")
        angle, distance = rng.uniform(0, 360, chosen.sum()), 10 ** rng.uniform(-5, 1, chosen.sum())
        moved = middle.directional_offset_by(angle * u.deg, distance * u.deg)
        ra[chosen], dec[chosen] = moved.ra.deg % 360, moved.dec.deg
    with servers.scratch_database(server_url, template) as database, database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE place (id int, ra float8, dec float8)")
        bulk.copy_in(connection, "place", {"id": np.arange(N), "ra": ra, "dec": dec})
        sky.create_sky_index(connection, "place")
        connection.exec_driver_sql("ANALYZE place")
        yield driver_connection(connection), SkyCoord(ra, dec, unit="deg")


def found(driver: psycopg.Connection[Any], region: Region) -> np.ndarray:
    query = psycopg.sql.SQL("SELECT id FROM place WHERE {}").format(sky.inside(region))
    inside = np.zeros(N, dtype=bool)
    rows = [row[0] for row in driver.execute(query)]
    inside[rows] = True
    assert inside.sum() == len(rows)
    return inside


def enclosed(stars: SkyCoord, corners: list[tuple[float, float]]) -> np.ndarray:
    """Whether the directions from a star to the corners turn once around it."""
    ra, dec = np.array(corners).T
    angles = stars[:, None].position_angle(SkyCoord(ra, dec, unit="deg")[None, :]).rad
    turns = np.diff(np.hstack([angles, angles[:, :1]]), axis=1)
    winding = ((turns + np.pi) % (2 * np.pi) - np.pi).sum(axis=1)
    near = stars.separation(
        SkyCoord(*np.mean(SkyCoord(ra, dec, unit="deg").cartesian.xyz, axis=1), representation_type="cartesian")
    )
    return (np.abs(winding) > np.pi) & (near.deg < 90)


POLYGONS = {
    "small": "131 10, 135 10, 135 14, 131 14",
    "concave": "130 5, 136 5, 136 20, 133 8, 130 20",
    "across RA 0": "350 -10 10 -10 10 10 350 10",
    "around the north pole": "0 80 90 80 180 80 270 80",
    "around the south pole, the other way round": "0 -85 240 -85 120 -85",
    "wide": "10 -60, 120 -50, 90 70, 40 60",
    "closed": "200 85, 210 85, 205 89.95, 200 85",
}


@pytest.mark.parametrize("name", POLYGONS)
def test_a_polygon_holds_what_its_corners_go_around(places: tuple[Any, SkyCoord], name: str):
    driver, stars = places
    polygon = Polygon.parse(POLYGONS[name])
    expected = enclosed(stars, list(polygon.corners))
    assert 10 < expected.sum() < N / 2
    np.testing.assert_array_equal(found(driver, polygon), expected)


@pytest.mark.parametrize(
    ("ra", "dec", "width", "height"),
    [(132.85, 11.81, 2, 1), (0, 0, 20, 4), (359.9, 55, 3, 3), (10, 89.9, 1, 5), (0, -90, 8, 8), (77, -33, 170, 100)],
)
def test_a_box_has_its_width_and_height_as_arms_of_great_circles(
    places: tuple[Any, SkyCoord], ra: float, dec: float, width: float, height: float
):
    driver, stars = places
    seen = stars.transform_to(SkyCoord(ra, dec, unit="deg").skyoffset_frame()).cartesian
    east, north = np.arctan2(seen.y, seen.x).to_value("deg"), np.arctan2(seen.z, seen.x).to_value("deg")
    expected = (np.abs(east) < width / 2) & (np.abs(north) < height / 2)
    assert expected.sum() > 10
    np.testing.assert_array_equal(found(driver, Polygon.box(f"{ra} {dec} {width} {height}")), expected)


def mocs() -> dict[str, MOC]:
    cone = {
        name: MOC.from_cone(lon=ra * u.deg, lat=dec * u.deg, radius=radius * u.deg, max_depth=depth)
        for name, ra, dec, radius, depth in (
            ("north pole", 0, 90, 3, 9),
            ("south pole", 0, -90, 0.1, 14),
            ("RA 0", 0, 0, 5, 8),
            ("fine", 132.85, 11.81, 0.001, 20),
            ("half the sky", 10, 30, 90, 6),
        )
    }
    return cone | {
        "two far apart": cone["north pole"].union(cone["fine"]),
        "all but": cone["RA 0"].complement(),
        "scattered": MOC.from_lonlat(np.arange(0, 360, 3) * u.deg, np.linspace(-80, 80, 120) * u.deg, max_norder=6),
    }


@pytest.mark.parametrize("name", mocs())
@pytest.mark.parametrize("form", ["ascii", "json"])
def test_a_moc_holds_what_mocpy_says(places: tuple[Any, SkyCoord], name: str, form: str):
    driver, stars = places
    moc = mocs()[name]
    text = moc.to_string() if form == "ascii" else moc.to_string("json")
    expected = moc.contains_skycoords(stars)
    assert expected.sum() > 5
    np.testing.assert_array_equal(found(driver, PixelSet.moc(text)), expected)


@pytest.mark.parametrize("pixel", [*(f"0/{face}" for face in range(12)), "1/0", "3/767", "5/1074", "29/0"])
def test_a_pixel_holds_what_mocpy_says(places: tuple[Any, SkyCoord], pixel: str):
    driver, stars = places
    expected = MOC.from_string(pixel).contains_skycoords(stars)
    np.testing.assert_array_equal(found(driver, PixelSet.pixel(pixel)), expected)


def test_small_regions_read_the_index(places: tuple[Any, SkyCoord]):
    driver, _ = places
    for region in (PixelSet.moc("5/1074 6/4253 9/10"), Polygon.box("132 11 1 1")):
        query = psycopg.sql.SQL("EXPLAIN SELECT id FROM place WHERE {}").format(sky.inside(region))
        plan = "\n".join(row[0] for row in driver.execute(query))
        assert "Bitmap Index Scan on ix_place_sky" in plan, plan


def test_an_extension_finds_the_same(q3c_url: str):
    """Where q3c is the extension, its own index and functions stand behind the same conditions."""
    rng = np.random.default_rng(6)
    ra, dec = rng.uniform(0, 360, 5000), np.degrees(np.arcsin(rng.uniform(-1, 1, 5000)))
    stars = SkyCoord(ra, dec, unit="deg")
    with servers.scratch_database(q3c_url, "template1") as database, database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE EXTENSION IF NOT EXISTS q3c; CREATE TABLE place (id int, ra float8, dec float8)"
        )
        bulk.copy_in(connection, "place", {"id": np.arange(5000), "ra": ra, "dec": dec})
        sky.create_sky_index(connection, "place")
        driver = driver_connection(connection)
        moc = mocs()["two far apart"].union(mocs()["scattered"])
        query = psycopg.sql.SQL("SELECT id FROM place WHERE {} ORDER BY id")
        rows = [row[0] for row in driver.execute(query.format(sky.inside(PixelSet.moc(moc.to_string()))))]
        assert rows == np.flatnonzero(moc.contains_skycoords(stars)).tolist()
        polygon = Polygon.parse(POLYGONS["across RA 0"])
        rows = [row[0] for row in driver.execute(query.format(sky.inside(polygon)))]
        assert rows == np.flatnonzero(enclosed(stars, list(polygon.corners))).tolist()
