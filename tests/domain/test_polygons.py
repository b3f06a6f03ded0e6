"""Polygons and boxes: what users may write, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.errors import ParameterError
from app.domain.polygons import MOST_CORNERS, Polygon

TRIANGLE = Polygon(((10.0, 20.0), (12.0, 20.0), (11.0, 22.0)))


@pytest.mark.parametrize(
    "text", ["10 20 12 20 11 22", "10,20, 12,20, 11,22", "10 20, 12 20, 11 22, 10 20", "+10 2e1\n12 20.0\n11 22 11 22"]
)
def test_a_polygon_is_read_as_users_write_it(text: str):
    assert Polygon.parse(text) == TRIANGLE


RING = " ".join(f"{ra} {dec}" for ra, dec in zip(np.linspace(0, 359, MOST_CORNERS + 1), [70] * 300, strict=False))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 different corners"),
        ("1 2 3 4", "2 different corners"),
        ("1 2 1 2 1 2 3 4", "2 different corners"),
        ("1 2 3 4 5", "odd number of values: 5"),
        ("1 2 3 x 5 6", "got 'x'"),
        ("1 2 3 nan 5 6", "got 'nan'"),
        ("1 2 3 1e999 5 6", "got '1e999'"),
        ("-1 2 3 4 5 7", "ra must be from 0 to 360 degrees, got -1"),
        ("1 2 3 94 5 7", "dec must be from -90 to 90 degrees, got 94"),
        ("0 0 120 0 240 0", "less than a hemisphere"),
        ("0 0 100 0 200 10", "less than a hemisphere"),
        ("0 0 1 1 1 0 0 1", "crosses itself: its sides 1 and 3 meet"),
        ("0 0 1 0 2 0", "one great circle"),
        ("10 0 10 10 10 20", "one great circle"),
        (RING, "has 257 corners, more than the 256"),
    ],
)
def test_what_is_no_polygon_is_refused(text: str, words: str):
    with pytest.raises(ParameterError, match="polygon") as refused:
        Polygon.parse(text)
    assert words in refused.value.problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3", "got 3 values"),
        ("1 2 0 1", "width must be above 0"),
        ("1 2 1 -1", "height must be above 0"),
        ("1 2 1 171", "at most 170"),
        ("361 2 1 1", "ra must be"),
        ("1 2 1 1x", "got '1x'"),
    ],
)
def test_what_is_no_box_is_refused(text: str, words: str):
    with pytest.raises(ParameterError, match="box") as refused:
        Polygon.box(text)
    assert words in refused.value.problem


def test_a_box_at_the_equator_ends_where_it_says():
    corners = np.array(Polygon.box("180 0 2 2").corners)
    np.testing.assert_allclose(corners[:, 0], [179, 181, 181, 179], atol=1e-9)
    np.testing.assert_allclose(np.abs(corners[:, 1]), np.degrees(np.arctan(np.tan(np.pi / 180) * np.cos(np.pi / 180))))
