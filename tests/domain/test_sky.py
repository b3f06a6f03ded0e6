"""Positions and cones as users write them."""

from __future__ import annotations

import math

import pytest

from app.domain.errors import ParameterError
from app.domain.sky import Cone, SkyPosition


@pytest.mark.parametrize(
    ("ra", "dec", "expected"),
    [
        (0, 0, (0.0, 0.0)),
        ("132.846", "11.8136", (132.846, 11.8136)),
        (" 1.5e2 ", "-.5", (150.0, -0.5)),
        (360.0, -90, (0.0, -90.0)),
        ("08:51:23.1", "+11:48:49", (15 * (8 + 51 / 60 + 23.1 / 3600), 11 + 48 / 60 + 49 / 3600)),
        ("08h51m23.1s", "-11d48m49s", (15 * (8 + 51 / 60 + 23.1 / 3600), -(11 + 48 / 60 + 49 / 3600))),
        ("8 51 23.1", "-00 30 00", (15 * (8 + 51 / 60 + 23.1 / 3600), -0.5)),
        ("132d30m", "11°48'49\"", (132.5, 11 + 48 / 60 + 49 / 3600)),
        ("12:30", "-1:30", (187.5, -1.5)),
    ],
)
def test_positions_are_read(ra: str | float, dec: str | float, expected: tuple[float, float]) -> None:
    position = SkyPosition.parse(ra, dec)
    assert (position.ra, position.dec) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("ra", "dec", "parameter"),
    [
        (math.nan, 0, "ra"),
        (math.inf, 0, "ra"),
        ("nan", 0, "ra"),
        ("", 0, "ra"),
        ("1_0", 0, "ra"),
        ("١٢", 0, "ra"),
        (-0.001, 0, "ra"),
        (360.001, 0, "ra"),
        ("24:00:01", 0, "ra"),
        ("12:60:00", 0, "ra"),
        ("12:00:60", 0, "ra"),
        ("-01:00:00", 0, "ra"),
        ("north", 0, "ra"),
        (0, 90.0001, "dec"),
        (0, "-90:00:01", "dec"),
        (0, "12h00m00s", "dec"),
        (0, math.nan, "dec"),
    ],
)
def test_what_is_no_position_is_refused_by_name(ra: str | float, dec: str | float, parameter: str) -> None:
    with pytest.raises(ParameterError, match=f"^{parameter}: must be .* got") as caught:
        SkyPosition.parse(ra, dec)
    assert caught.value.parameter == parameter


@pytest.mark.parametrize(("radius", "unit", "degrees"), [(1, "deg", 1.0), ("90", "arcmin", 1.5), (36, "arcsec", 0.01)])
def test_the_radius_has_a_unit(radius: str | float, unit: str, degrees: float) -> None:
    assert Cone.parse(1, 2, radius, unit).radius == pytest.approx(degrees)


def test_the_whole_sky_and_a_point_are_cones() -> None:
    assert Cone.parse(1, 2, 180).radius == 180.0
    assert Cone.parse(1, 2, 0).radius == 0.0


@pytest.mark.parametrize(
    ("radius", "unit", "parameter"),
    [(-1, "deg", "radius"), (180.1, "deg", "radius"), (10801, "arcmin", "radius"), ("1:00", "deg", "radius"),
     (math.nan, "deg", "radius"), (1, "rad", "unit")],
)  # fmt: skip
def test_what_is_no_radius_is_refused_by_name(radius: str | float, unit: str, parameter: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Cone.parse(1, 2, radius, unit)
    assert caught.value.parameter == parameter
