"""Shapes that hold and meet each other, and shapes in answers: against astropy and many points."""

from __future__ import annotations

import io
from typing import Any

import astropy.units as u
import httpx
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse_single_table
from astropy.table import Table
from sqlalchemy import text

from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field
from app.services.queries import Queries
from app.storage.engine import Database
from app.storage.user_queries import Upload
from tests.support.adql import tables
from tests.support.catalogue import Truth
from tests.support.star_shapes import MIDDLES, StarShape, star_shape
from tests.vo.conftest import Ask

BLIND_DEG = 0.01  # nearer than this to touching, sampled sides cannot tell


def circles(rng: np.random.Generator, middle: tuple[float, float], count: int) -> Upload:
    """Circles of all sizes around a place, and some about the whole sky."""
    centre = SkyCoord(*middle, unit="deg").directional_offset_by(
        rng.uniform(0, 360, count) * u.deg, rng.uniform(0, 1, count) ** 2 * 180 * u.deg
    )
    radius = np.where(rng.random(count) < 0.3, rng.uniform(0, 180, count), rng.uniform(0, 40, count))
    radius[:3] = 0, 180, 90
    columns = {"place": np.arange(count), "ra": centre.ra.deg, "dec": centre.dec.deg, "radius": radius}
    kinds = (Datatype.LONG, Datatype.DOUBLE, Datatype.DOUBLE, Datatype.DOUBLE)
    return Upload("mine", tuple(Field(*one) for one in zip(columns, kinds, strict=True)), columns)


def in_shape(column: str) -> str:
    return f"SELECT place FROM tap_upload.mine AS m WHERE 1 = {column} ORDER BY place"


@pytest.mark.parametrize("middle", MIDDLES)
def test_circles_and_polygons_meet_and_hold_each_other(adql: Ask, middle: tuple[float, float]):
    rng = np.random.default_rng(21)
    kinds = {"meets": 0, "in polygon": 0, "in circle": 0}
    for size in (35.0, 12.0):
        shape = star_shape(rng, middle, size)
        mine = circles(rng, middle, 250)
        centre = SkyCoord(mine.columns["ra"], mine.columns["dec"], unit="deg")
        radius = mine.columns["radius"]
        apart = centre[:, None].separation(shape.edges[None, :]).deg
        nearest, farthest = apart.min(axis=1), apart.max(axis=1)
        opposite = SkyCoord(centre.ra + 180 * u.deg, -centre.dec)
        farthest = np.where(shape.holds(opposite), 180.0, farthest)
        holds = shape.holds(centre)
        circle, polygon = "CIRCLE(m.ra, m.dec, m.radius)", f"POLYGON({shape.numbers})"
        for name, condition, expected, margin in (
            ("meets", f"INTERSECTS({circle}, {polygon})", holds | (nearest <= radius), nearest - radius),
            ("meets", f"INTERSECTS({polygon}, {circle})", holds | (nearest <= radius), nearest - radius),
            ("in polygon", f"CONTAINS({circle}, {polygon})", holds & (nearest >= radius), nearest - radius),
            ("in circle", f"CONTAINS({polygon}, {circle})", farthest <= radius, farthest - radius),
        ):
            found = np.isin(np.arange(250), [row["place"] for row in adql(in_shape(condition), mine)])
            sure = np.abs(margin) > BLIND_DEG
            np.testing.assert_array_equal(found[sure], expected[sure], err_msg=f"{condition} {middle}")
            kinds[name] += int(found[sure].sum())
    assert min(kinds.values()) > 5


@pytest.mark.parametrize("radius", [30.0, 89.0, 90.0, 120.0, 150.0, 179.0, 180.0])
def test_a_circle_of_fixed_size_holds_the_polygons_that_it_reaches_around(adql: Ask, radius: float):
    rng = np.random.default_rng(22)
    judged = set()
    for middle in MIDDLES:
        shape = star_shape(rng, middle, 30)
        for _ in range(3):
            place = shape.middle.directional_offset_by(rng.uniform(0, 360) * u.deg, rng.uniform(0, radius) * u.deg)
            farthest = place.separation(shape.edges).deg.max()
            if shape.holds(SkyCoord([place.ra + 180 * u.deg], [-place.dec]))[0]:
                farthest = 180.0
            circle = f"CIRCLE({float(place.ra.deg)!r}, {float(place.dec.deg)!r}, {radius})"
            [row] = adql(f"SELECT CONTAINS(POLYGON({shape.numbers}), {circle}) AS x FROM sos.version WHERE version = 1")
            if abs(farthest - radius) > BLIND_DEG:
                assert row["x"] == int(farthest <= radius), (middle, radius, farthest)
                judged.add(row["x"])
    assert judged


@pytest.mark.parametrize("middle", MIDDLES)
def test_circles_hold_and_meet_circles(adql: Ask, middle: tuple[float, float]):
    mine = circles(np.random.default_rng(23), middle, 300)
    centre = SkyCoord(mine.columns["ra"], mine.columns["dec"], unit="deg")
    apart = centre.separation(SkyCoord(*middle, unit="deg")).deg
    radius = mine.columns["radius"]
    for other in (0.5, 20.0, 120.0, 180.0):
        one, two = "CIRCLE(m.ra, m.dec, m.radius)", f"CIRCLE({middle[0]}, {middle[1]}, {other})"
        for condition, expected in (
            (f"INTERSECTS({one}, {two})", apart <= radius + other),
            (f"CONTAINS({one}, {two})", (apart + radius <= other) | (other == 180)),
            (f"CONTAINS({two}, {one})", (apart + other <= radius) | (radius == 180)),
        ):
            found = np.isin(np.arange(300), [row["place"] for row in adql(in_shape(condition), mine)])
            sure = (
                np.min(np.abs([apart - radius - other, apart + radius - other, apart + other - radius]), axis=0) > 1e-9
            )
            np.testing.assert_array_equal(found[sure], expected[sure], err_msg=condition)


def test_polygons_and_boxes_hold_and_meet_each_other(adql: Ask):
    def both(one: str, other: str) -> tuple[int, int, int]:
        text = f"SELECT INTERSECTS({one}, {other}) AS i, CONTAINS({one}, {other}) AS c, CONTAINS({other}, {one}) AS d"
        [row] = adql(f"{text} FROM sos.version WHERE version = 1")
        return row["i"], row["c"], row["d"]

    assert both("BOX(0, 89.5, 4, 4)", "BOX(180, 89.5, 4, 4)") == (1, 0, 0)
    assert both("BOX(0, 0, 4, 4)", "POLYGON(359, -1, 1, -1, 1, 1, 359, 1)") == (1, 0, 1)
    assert both("POLYGON(350, -5, 10, -5, 10, 5, 350, 5)", "BOX(0, 0, 4, 4)") == (1, 0, 1)
    assert both("POLYGON(350, -5, 10, -5, 10, 5, 350, 5)", "BOX(20, 0, 4, 4)") == (0, 0, 0)
    assert both("BOX(10, 0, 10, 2)", "BOX(10, 0, 2, 10)") == (1, 0, 0)
    assert both("BOX(10, 60, 3, 3)", "BOX(10, 60, 3, 3)") == (1, 1, 1)


def test_a_search_for_what_meets_a_polygon_reads_the_index(vo_database: Database, truth: Truth):
    from app.vo.adql.translate import translate

    query = "SELECT star_id FROM sos.star WHERE 1 = INTERSECTS(CIRCLE(ra, dec, 0.1), POLYGON(10, 10, 12, 10, 11, 12))"
    written = translate(query, tables())
    with vo_database.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.exec_driver_sql(f"EXPLAIN {written.sql}").scalars().all()
    assert any("_sky" in line and "Index" in line for line in plan), plan


@pytest.mark.parametrize("middle", MIDDLES)
def test_areas_and_middles_of_polygons_are_those_of_their_triangles(adql: Ask, middle: tuple[float, float]):
    shape = star_shape(np.random.default_rng(24), middle)
    [row] = adql(
        f"SELECT AREA(POLYGON({shape.numbers})) AS area, COORD1(CENTROID(POLYGON({shape.numbers}))) AS x,"
        f" COORD2(CENTROID(POLYGON({shape.numbers}))) AS y FROM sos.version WHERE version = 1"
    )
    assert row["area"] == pytest.approx(np.degrees(np.degrees(shape.area_sr())), rel=1e-9)
    assert shape.middle.separation(SkyCoord(row["x"], row["y"], unit="deg")).deg < 20


SHAPES = (
    "SELECT TOP 20 star_id, POINT(ra, dec) AS place, CIRCLE('ICRS', ra, dec, 0.5) AS around,"
    " POLYGON(0, 0, 0, 1, 1, 1) AS field, BOX(0, 0, 2, 1), CENTROID(CIRCLE(ra, dec, 1)) FROM sos.star ORDER BY star_id"
)


@pytest.mark.parametrize("form", ["votable", "votable/td"])
def test_shapes_in_a_votable_have_the_xtypes_of_dali(client: httpx.Client, truth: Truth, form: str):
    answer = client.get("/tap/sync", params={"LANG": "ADQL", "QUERY": SHAPES, "RESPONSEFORMAT": form})
    found = Table.read(io.BytesIO(answer.content), format="votable")
    described = [(column, found[column].unit, found[column].meta.get("xtype")) for column in found.colnames[1:]]
    kinds = ["point", "circle", "polygon", "polygon", "point"]
    assert [(unit, kind) for _, unit, kind in described] == [(u.deg, kind) for kind in kinds]
    assert [name for name, *_ in described] == ["place", "around", "field", "polygon", "point"]
    np.testing.assert_array_equal(found["place"], np.column_stack([truth.ra, truth.dec])[:20])
    np.testing.assert_array_equal(found["around"][:, 2], 0.5)
    assert len(found["polygon"][0]) == 8


@pytest.mark.parametrize("corners", ["0, 0, 0, 1, 1, 1", "1, 1, 0, 1, 0, 0", "0, 1, 1, 1, 0, 0"])
def test_the_inside_of_a_polygon_lies_left_of_its_sides_as_one_sees_them(adql: Ask, corners: str):
    [row] = adql(f"SELECT POLYGON({corners}) AS f FROM sos.version WHERE version = 1")
    found = SkyCoord(np.reshape(row["f"], (3, 2)), unit="deg")
    turns = found.position_angle(found[[1, 2, 0]]) - found.position_angle(found[[2, 0, 1]])
    # Position angles grow to the east, which is left on the sky: seen from a corner, the next one is right of the last.
    assert (turns.to_value(u.deg) % 360 > 180).all()


def test_shapes_in_texts_are_their_numbers(client: httpx.Client, truth: Truth):
    query = "SELECT POINT(ra, dec) AS p, POLYGON(0, 0, 0, 1, 1, 1) AS f FROM sos.star ORDER BY star_id"
    ask = {"LANG": "ADQL", "QUERY": query}
    lines = client.get("/tap/sync", params={**ask, "RESPONSEFORMAT": "csv"}).text.splitlines()
    places = np.array([line.split(",")[0].strip('"').split() for line in lines[1:]], float)
    np.testing.assert_array_equal(places, np.column_stack([truth.ra, truth.dec]))
    answer: dict[str, Any] = client.get("/tap/sync", params={**ask, "RESPONSEFORMAT": "json"}).json()
    assert [row[0] for row in answer["data"]] == places.tolist()
    assert [(one["xtype"], one["arraysize"]) for one in answer["metadata"]] == [("point", "2"), ("polygon", "*")]


def test_shapes_of_a_query_inside_can_be_asked_about(adql: Ask, truth: Truth):
    inside = "SELECT star_id, POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c FROM sos.star"
    where = "1 = CONTAINS(p, CIRCLE(77, -33, 25)) AND DISTANCE(p, CENTROID(c)) = 0 AND AREA(c) > 3.1"
    rows = adql(f"SELECT star_id, c, t.p FROM ({inside}) AS t WHERE {where} ORDER BY star_id")
    near = SkyCoord(truth.ra, truth.dec, unit="deg").separation(SkyCoord(77, -33, unit="deg")).deg <= 25
    assert [row["star_id"] for row in rows] == sorted(truth.star_id[near].tolist())
    assert rows[0]["p"] == rows[0]["c"][:2]
    everything = adql(f"WITH t AS ({inside}) SELECT * FROM t UNION SELECT * FROM t")
    assert len(everything) == len(truth.star_id)


def test_what_has_no_place_has_no_shape(adql: Ask):
    fields = (Field("ra", Datatype.DOUBLE), Field("dec", Datatype.DOUBLE))
    columns = {"ra": np.ma.masked_array([10.0, 20.0], [False, True]), "dec": np.array([1.0, 2.0])}
    upload = Upload("mine", fields, columns)
    rows = adql("SELECT POINT(ra, dec) AS p, CIRCLE(ra, dec, 1) AS c FROM tap_upload.mine", upload)
    assert rows[0] == {"p": [10.0, 1.0], "c": [10.0, 1.0, 1.0]}
    assert rows[1] in ({"p": None, "c": None}, {"p": [np.nan, 2.0], "c": [np.nan, 2.0, 1.0]})


@pytest.mark.parametrize("form", ["votable", "votable/td"])
def test_a_shape_without_a_place_is_no_number_in_a_votable(client: httpx.Client, form: str):
    nan = "CAST('NaN' AS DOUBLE PRECISION)"
    query = f"SELECT TOP 2 POINT(NULL, 1) AS p, CIRCLE(1, 2, NULL) AS c, POINT(1, {nan}) AS n FROM sos.star"
    answer = client.get("/tap/sync", params={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": form})
    rows = parse_single_table(io.BytesIO(answer.content)).array
    assert np.isnan(np.ma.getdata(rows["p"])).all()
    assert np.isnan(np.ma.getdata(rows["c"])[:, 2]).all()
    assert np.isnan(np.ma.getdata(rows["n"])[:, 1]).all()
    assert ("1.0 NaN" in answer.text) == (form == "votable/td")
    assert "<TD/>" not in answer.text


def test_a_column_of_polygons_can_be_selected_alone(adql: Ask, queries: Queries):
    inside = "(SELECT POLYGON(0, 0, 0, 1, 1, 1) AS f FROM sos.version) AS t"
    assert len(adql(f"SELECT f FROM {inside}")[0]["f"]) == 6
    with pytest.raises(QueryError, match="a column of POLYGONs can be selected"):
        adql(f"SELECT 1 AS one FROM {inside} WHERE 1 = CONTAINS(POINT(1, 2), f)")


def test_the_same_shapes_twice(adql: Ask):
    shape: StarShape = star_shape(np.random.default_rng(5), (10.0, 10.0))
    rows = adql(f"SELECT DISTINCT POLYGON({shape.numbers}) AS f FROM sos.star")
    assert len(rows) == 1
    np.testing.assert_allclose(sorted(rows[0]["f"]), sorted(shape.positions.ravel().tolist()))
