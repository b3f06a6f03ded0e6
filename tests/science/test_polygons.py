"""Polygons: areas, middles, insides and distances are those that astropy's angles and many points give."""

from __future__ import annotations

import doctest

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from app.science import polygons
from tests.support.star_shapes import MIDDLES, star_shape, vectors

BLIND_DEG = 0.3  # nearer than this to an edge, sampled points cannot tell


def sky(rng: np.random.Generator, count: int) -> SkyCoord:
    return SkyCoord(rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count))), unit="deg")


def test_the_examples_in_the_module_hold():
    found = doctest.testmod(polygons)
    assert (found.failed, found.attempted > 3) == (0, True)


@pytest.mark.parametrize("middle", MIDDLES)
def test_random_polygons_have_the_insides_areas_and_middles_of_their_triangles(middle: tuple[float, float]):
    rng = np.random.default_rng(11)
    places = sky(rng, 40_000)
    for _ in range(6):
        shape = star_shape(rng, middle)
        corners = polygons.vectors(shape.positions)
        assert polygons.is_below_hemisphere(corners)
        assert polygons.is_simple(corners)
        np.testing.assert_array_equal(polygons.inside(vectors(places), corners), shape.holds(places))
        assert abs(polygons.signed_area_sr(corners)) == pytest.approx(shape.area_sr(), rel=1e-9)
        near = shape.middle.directional_offset_by(
            rng.uniform(0, 360, 40_000) * u.deg, np.arccos(rng.uniform(np.cos(np.radians(36)), 1, 40_000)) * u.rad
        )
        within = vectors(near[shape.holds(near)])
        mean = within.mean(axis=0)
        spread = np.degrees(within.std(axis=0).max()) / np.sqrt(len(within))
        off = np.degrees(np.arccos(np.clip(polygons.centroid(corners) @ mean / np.linalg.norm(mean), -1, 1)))
        assert off < 5 * spread


@pytest.mark.parametrize("middle", MIDDLES)
def test_distances_from_edges_are_those_from_many_places_on_them(middle: tuple[float, float]):
    rng = np.random.default_rng(12)
    shape = star_shape(rng, middle)
    places = sky(rng, 200)
    expected = places[:, None].separation(shape.edges[None, :]).deg.min(axis=1)
    found = np.degrees(polygons.distance_rad(vectors(places), polygons.vectors(shape.positions)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    assert np.all(found <= expected + 1e-9)


@pytest.mark.parametrize("middle", MIDDLES)
def test_pairs_of_polygons_meet_and_cover_as_their_sampled_sides_do(middle: tuple[float, float]):
    rng = np.random.default_rng(13)
    judged = {"meet": [0, 0], "cover": [0, 0]}
    for _ in range(40):
        first = star_shape(rng, middle, rng.uniform(4, 40))
        other = first.middle.directional_offset_by(rng.uniform(0, 360) * u.deg, rng.uniform(0, 40) * u.deg)
        second = star_shape(rng, (other.ra.deg, other.dec.deg), rng.uniform(2, 20))
        a, b = polygons.vectors(first.positions), polygons.vectors(second.positions)
        some, others = vectors(first.edges), vectors(second.edges)
        gap = np.degrees(polygons.distance_rad(others, a).min())
        held = first.holds(second.edges)
        meeting = bool(held.any() or second.holds(first.edges).any())
        assert len(some) > 0
        if meeting or gap > BLIND_DEG:
            assert polygons.meet(a, b) == polygons.meet(b, a) == meeting
            judged["meet"][meeting] += 1
        if not held.all() or gap > BLIND_DEG:
            assert polygons.covers(a, b) == held.all()
            judged["cover"][int(held.all())] += 1
    assert min(judged["meet"]) > 0
    assert min(judged["cover"]) > 0


def test_a_polygon_covers_itself_and_parts_that_share_its_edges():
    square = polygons.vectors(np.array([(359.0, -1.0), (1.0, -1.0), (1.0, 1.0), (359.0, 1.0)]))
    half = polygons.vectors(np.array([(359.0, -1.0), (0.0, -1.0), (0.0, 1.0), (359.0, 1.0)]))
    beside = polygons.vectors(np.array([(1.0, -1.0), (3.0, -1.0), (3.0, 1.0), (1.0, 1.0)]))
    assert polygons.covers(square, square)
    assert polygons.covers(square, square[::-1])
    assert polygons.meet(square, beside)
    assert not polygons.covers(square, beside)
    assert not polygons.covers(half, square)
    assert polygons.covers(square, half)


def test_a_notch_is_not_covered_by_what_surrounds_it():
    notched = polygons.vectors(np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 2.0), (0.0, 10.0)]))
    bridge = polygons.vectors(np.array([(0.0, 10.0), (0.5, 3.0), (9.5, 3.0), (10.0, 10.0)]))
    assert polygons.inside(bridge, notched).all()
    assert not polygons.covers(notched, bridge)
    assert polygons.meet(notched, bridge)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (10, 10), (10, 0), (0, 10)],
        [(0, 0), (10, 0), (20, 0)],
        [(0, 0), (10, 0), (5, 0), (5, 5)],
        [(0, 89), (180, 89), (90, 89), (270, 89)],
        [(0, 0), (10, 0), (10, 10), (0, 10), (0, 5), (10, 5)],
    ],
)
def test_what_crosses_or_touches_itself_is_not_simple(corners: list[tuple[float, float]]):
    assert not polygons.is_simple(polygons.vectors(np.array(corners, float)))
