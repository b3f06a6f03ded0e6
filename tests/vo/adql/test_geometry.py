"""Geometry: the stars that ADQL finds are those that astropy finds."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord, angular_separation

from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field
from app.storage.user_queries import Upload
from tests.support.catalogue import Truth
from tests.vo.conftest import Ask

CONES = [
    (0.0, 90.0, 0.01),
    (250.0, 89.9999, 1.0),
    (0.0, -90.0, 30.0),
    (0.0, 10.0, 0.001),
    (-0.00005, 10.0, 0.0004),
    (360.0, 10.0, 40.0),
    (150.0, 2.0, 0.0),
    (77.0, -33.0, 25.0),
    (200.0, 0.0, 180.0),
]


def inside(truth: Truth, ra: float, dec: float, radius: float) -> list[int]:
    centre = SkyCoord(ra % 360, dec, unit="deg")
    near = SkyCoord(truth.ra, truth.dec, unit="deg").separation(centre).deg <= radius
    return sorted(truth.star_id[near].tolist())


def ids(rows: list[dict]) -> list[int]:
    return sorted(row["star_id"] for row in rows)


@pytest.mark.parametrize(("ra", "dec", "radius"), CONES)
@pytest.mark.parametrize(
    "condition",
    [
        "1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', {ra}, {dec}, {radius}))",
        "CONTAINS(POINT(ra, dec), CIRCLE(POINT({ra}, {dec}), {radius})) = 1",
        "INTERSECTS(CIRCLE('', {ra}, {dec}, {radius}), POINT('ICRS', ra, dec)) <> 0",
        "DISTANCE(POINT(ra, dec), POINT({ra}, {dec})) <= {radius}",
        "{radius} >= DISTANCE({ra}, {dec}, ra, dec)",
        "NOT CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius})) = 0",
        "(CONTAINS(POINT(ra, dec), CIRCLE({ra}, {dec}, {radius}))) + 1 = 2",
        "1 = INTERSECTS(CIRCLE(ra, dec, 0), CIRCLE({ra}, {dec}, {radius}))",
        "1 = CONTAINS(CIRCLE(ra, dec, 0.), CIRCLE({ra}, {dec}, {radius}))",
    ],
)
def test_a_cone_in_every_spelling_holds_what_astropy_finds(
    adql: Ask, truth: Truth, condition: str, ra: float, dec: float, radius: float
):
    where = condition.format(ra=ra, dec=dec, radius=radius)
    assert ids(adql(f"SELECT star_id FROM sos.star WHERE {where}")) == inside(truth, ra, dec, radius)


def test_what_lies_outside_a_cone_is_the_rest(adql: Ask, truth: Truth):
    where = "0 = CONTAINS(POINT(ra, dec), CIRCLE(77, -33, 25))"
    assert ids(adql(f"SELECT star_id FROM sos.star WHERE {where}")) == sorted(
        {*truth.star_id.tolist()} - {*inside(truth, 77, -33, 25)}
    )


def test_distances_are_those_of_astropy(adql: Ask, truth: Truth):
    rows = adql("SELECT DISTANCE(POINT(ra, dec), POINT(33.3, -44.4)) AS d FROM sos.star ORDER BY star_id")
    expected = SkyCoord(truth.ra, truth.dec, unit="deg").separation(SkyCoord(33.3, -44.4, unit="deg")).deg
    np.testing.assert_allclose([row["d"] for row in rows], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("ra", [0.0, 123.0, 350.0])
@pytest.mark.parametrize("dec", [-80.0, 0.0, 45.0, 85.0])
def test_a_polygon_holds_what_lies_left_of_each_edge(adql: Ask, truth: Truth, ra: float, dec: float):
    middle = SkyCoord(ra, dec, unit="deg")
    corners = middle.directional_offset_by(np.array([0, 72, 144, 216, 288]) * u.deg, 30 * u.deg)
    listed = ", ".join(f"{corner.ra.deg:.15g}, {corner.dec.deg:.15g}" for corner in corners)
    points = ", ".join(f"POINT('ICRS', {corner.ra.deg:.15g}, {corner.dec.deg:.15g})" for corner in corners)
    star = SkyCoord(truth.ra, truth.dec, unit="deg").cartesian.xyz.value.T
    edges = np.cross(corners.cartesian.xyz.value.T, np.roll(corners.cartesian.xyz.value.T, -1, axis=0))
    sides = star @ (edges * np.sign(edges @ middle.cartesian.xyz.value)[:, None]).T
    expected = sorted(truth.star_id[(sides > 0).all(axis=1)].tolist())
    assert len(expected) > 3
    for shape in (f"POLYGON('ICRS', {listed})", f"POLYGON({points})"):
        where = f"1 = CONTAINS(POINT('ICRS', ra, dec), {shape})"
        assert ids(adql(f"SELECT star_id FROM sos.star WHERE {where}")) == expected


@pytest.mark.parametrize("place", [(5.0, 10.0), (200.0, -60.0), (0.0, 90.0), (33.0, -85.0)])
def test_a_box_has_its_size_along_the_arms_of_a_cross_in_its_middle(
    adql: Ask, truth: Truth, place: tuple[float, float]
):
    middle, star = SkyCoord(*place, unit="deg"), SkyCoord(truth.ra, truth.dec, unit="deg")
    east, north = (middle.directional_offset_by(angle * u.deg, 90 * u.deg).cartesian.xyz.value for angle in (90, 0))
    vector, ahead = star.cartesian.xyz.value.T, middle.cartesian.xyz.value
    along, up = np.arctan2(vector @ east, vector @ ahead), np.arctan2(vector @ north, vector @ ahead)
    expected = truth.star_id[(np.abs(along) <= np.radians(20)) & (np.abs(up) <= np.radians(15))]
    where = f"1 = CONTAINS(POINT(ra, dec), BOX('ICRS', {place[0]}, {place[1]}, 40, 30))"
    assert ids(adql(f"SELECT star_id FROM sos.star WHERE {where}")) == sorted(expected.tolist())
    assert len(expected) > 3


@pytest.mark.parametrize(
    ("shape", "square_degrees"),
    [
        ("CIRCLE(10, 20, 180)", 4 * np.pi * np.degrees(1) ** 2),
        ("CIRCLE(10, 20, 90)", 2 * np.pi * np.degrees(1) ** 2),
        ("CIRCLE(10, 20, 0.001)", np.pi * 1e-6),
        ("POLYGON(0, 0, 90, 0, 0, 90)", 4 * np.pi * np.degrees(1) ** 2 / 8),
        ("POLYGON(0, 0, 0, 0.001, 0.001, 0.001, 0.001, 0)", 1e-6),
        ("POINT(1, 2)", 0),
    ],
)
def test_areas_are_those_of_the_sphere(adql: Ask, shape: str, square_degrees: float):
    [row] = adql(f"SELECT AREA({shape}) AS area FROM sos.version WHERE version = 1")
    assert row["area"] == pytest.approx(square_degrees, rel=1e-6)


def test_the_parts_of_a_point(adql: Ask):
    [row] = adql(
        "SELECT TOP 1 COORD1(POINT(ra, dec)) - ra AS x, COORD2(CENTROID(CIRCLE(ra, dec, 1))) - dec AS y,"
        " COORDSYS(POINT(1, 2)) AS frame FROM sos.star"
    )
    assert row == {"x": 0.0, "y": 0.0, "frame": "ICRS"}


@pytest.mark.parametrize(
    "on",
    [
        "1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', m.ra, m.dec, m.radius))",
        "1 = CONTAINS(POINT('ICRS', m.ra, m.dec), CIRCLE('ICRS', s.ra, s.dec, m.radius))",
        "DISTANCE(POINT(m.ra, m.dec), POINT(s.ra, s.dec)) <= m.radius",
    ],
)
def test_a_match_to_an_upload_finds_the_pairs_that_astropy_finds(adql: Ask, truth: Truth, on: str):
    rng = np.random.default_rng(3)
    ra, dec = np.array([*rng.uniform(0, 360, 30), 0.0, 359.9]), np.array([*rng.uniform(-90, 90, 30), 90.0, 10.0])
    radius = rng.uniform(1, 20, 32)
    fields = tuple(Field(name, Datatype.DOUBLE) for name in ("ra", "dec", "radius"))
    upload = Upload("mine", fields, {"ra": ra, "dec": dec, "radius": radius})
    rows = adql(f"SELECT m.ra, s.star_id FROM tap_upload.mine AS m JOIN sos.star AS s ON {on}", upload)
    separation = angular_separation(
        *np.radians([ra[:, None] + 0 * truth.ra, dec[:, None] + 0 * truth.dec]),
        *np.radians([truth.ra + 0 * ra[:, None], truth.dec + 0 * ra[:, None]]),
    )
    first, second = np.nonzero(np.degrees(separation) <= radius[:, None])
    assert {(row["ra"], row["star_id"]) for row in rows} == {
        *zip(ra[first].tolist(), truth.star_id[second].tolist(), strict=True)
    }
    assert len(rows) == len(first) > 100


@pytest.mark.parametrize(
    "condition",
    [
        "DISTANCE(POINT(m.ra, m.dec), POINT(s.ra, s.dec)) < 2",
        "1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(m.ra, m.dec, 2))",
        "1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(s.ra, s.dec, 2))",
        "1 = CONTAINS(POINT(m.ra, m.dec), CIRCLE(180, 0, 40)) AND s.star_id = 11",
        "1 = CONTAINS(POINT(m.ra, m.dec), POLYGON(150, -20, 210, -20, 180, 40)) AND s.star_id = 11",
        "1 = INTERSECTS(CIRCLE(m.ra, m.dec, 5), BOX(0, 0, 40, 30)) AND s.star_id = 11",
        "1 = CONTAINS(BOX(0, 0, 4, 4), CIRCLE(m.ra, m.dec, 100)) AND s.star_id = 11",
    ],
)
@pytest.mark.parametrize("turn", [-360.0, 360.0, -720.0])
def test_a_right_ascension_may_be_any_number_of_turns_away(adql: Ask, truth: Truth, condition: str, turn: float):
    def pairs(ra: np.ndarray) -> set[tuple[int, int]]:
        fields = tuple(Field(*one) for one in (("n", Datatype.LONG), ("ra", Datatype.DOUBLE), ("dec", Datatype.DOUBLE)))
        upload = Upload("mine", fields, {"n": truth.star_id, "ra": ra, "dec": truth.dec})
        rows = adql(f"SELECT m.n, s.star_id FROM tap_upload.mine AS m JOIN sos.star AS s ON {condition}", upload)
        return {(row["n"], row["star_id"]) for row in rows}

    turned = np.where(truth.ra > 180, truth.ra + turn, truth.ra)
    assert len(pairs(truth.ra)) > 5
    assert pairs(turned) == pairs(truth.ra)


def test_a_point_in_an_answer_has_its_right_ascension_from_0_to_360(adql: Ask):
    upload = Upload("mine", (Field("ra", Datatype.DOUBLE),), {"ra": np.array([-10.0, 370.0, 360.0, 0.0])})
    rows = adql("SELECT POINT(ra, 1) AS p, CIRCLE(ra, 1, 2) AS c FROM tap_upload.mine ORDER BY ra", upload)
    assert [row["p"][0] for row in rows] == [350.0, 0.0, 0.0, 10.0]
    assert [row["c"][0] for row in rows] == [350.0, 0.0, 0.0, 10.0]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("POINT(1, 2) + 1", "a POINT cannot be computed with"),
        ("LOWER(CIRCLE(1, 2, 3))", "a CIRCLE cannot be computed with"),
        ("CONTAINS(POINT('GALACTIC', 1, 2), CIRCLE(1, 2, 3))", "positions are in 'ICRS', got 'GALACTIC'"),
        ("CONTAINS(POINT(1, 91), CIRCLE(1, 2, 3))", "between -90 and 90 degrees, got 91"),
        ("CONTAINS(POINT(1, 2), CIRCLE(1, 2, -3))", "between 0 and 180 degrees, got -3"),
        ("CONTAINS(POINT(1, 2), CIRCLE(1, 2))", "CIRCLE takes ra, dec and a radius"),
        ("CONTAINS(POINT(1), CIRCLE(1, 2, 3))", "POINT takes ra and dec"),
        ("CONTAINS(POINT(1, '2'), CIRCLE(1, 2, 3))", "as numbers, in degrees"),
        ("CONTAINS(POINT(1, 2), POLYGON(1, 2, 3, 4))", "three corners or more"),
        ("CONTAINS(POINT(1, 2), POLYGON(0, 0, 120, 0, 240, 0))", "less than a hemisphere"),
        ("CONTAINS(POINT(1, 2), POLYGON(0, 0, 10, 0, ra, 10))", "POLYGON takes numbers alone"),
        ("CONTAINS(POINT(1, 2), POLYGON(0, 0, 10, 10, 10, 0, 0, 10))", "its sides do not cross"),
        ("CONTAINS(POINT(1, 2), POLYGON(0, 0, 10, 0, 10, 0, 0, 0))", "three different corners"),
        ("CONTAINS(POINT(1, 2), BOX(1, 89, 171, 4))", "its width must be above 0 and at most 170 degrees, got 171"),
        ("CONTAINS(POINT(1, 2), BOX(1, 89, 4, ra))", "BOX takes numbers alone"),
        ("CONTAINS(CIRCLE(1, 2, 3), POINT(1, 2))", "what may hold it: a CIRCLE, POLYGON or BOX"),
        ("INTERSECTS(POINT(1, 2), POINT(1, 2))", "compare their DISTANCE"),
        ("CONTAINS(POINT(1, 2), 5)", "takes two shapes"),
        ("DISTANCE(POINT(1, 2), 5)", "DISTANCE takes two POINTs"),
        ("AREA(5)", "AREA takes one shape"),
        ("COORD1(CIRCLE(1, 2, 3))", "COORD1 takes a POINT"),
        ("REGION('CIRCLE ICRS 1 2 3')", "there is no function REGION"),
    ],
)
def test_shapes_that_cannot_be_are_named_with_what_would_be_right(adql: Ask, expression: str, words: str):
    with pytest.raises(QueryError, match=r"line 1, column \d+") as raised:
        adql(f"SELECT {expression} AS x FROM sos.star")
    assert words in str(raised.value)
