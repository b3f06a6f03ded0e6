"""Parts of the sky with straight edges: polygons and boxes, in degrees (ICRS)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from app.domain.errors import ParameterError

MOST_CORNERS = 256
WIDEST_BOX_DEG = 170.0

Vector: TypeAlias = tuple[float, float, float]
Point: TypeAlias = tuple[float, float]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_POLYGON_FORM = "ra and dec of three or more corners in degrees, such as '10 20, 12 20, 11 22'"
_BOX_FORM = "ra and dec of the centre, width and height in degrees, such as '10 20 2 1'"
_SAME_PLACE = 1e-12


@dataclass(frozen=True)
class Polygon:
    """The positions inside of corners that great circles join, in less than a hemisphere.

    Attributes:
        corners: ra and dec of each in turn; the last one is joined to the first.
    """

    corners: tuple[Point, ...]

    @classmethod
    def parse(cls, text: str, parameter: str = "polygon") -> Polygon:
        """Read a polygon: numbers parted by spaces or commas; its first corner may be repeated at the end.

        >>> Polygon.parse("10 20, 12 20, 11 22")
        Polygon(corners=((10.0, 20.0), (12.0, 20.0), (11.0, 22.0)))

        Raises:
            ParameterError: it is none, is too large, has too many corners, or crosses itself.
        """
        numbers = _numbers(text, parameter, _POLYGON_FORM)
        if len(numbers) % 2:
            raise ParameterError(parameter, f"must be {_POLYGON_FORM}, got an odd number of values: {len(numbers)}")
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        for corner in corners:
            _check_position(*corner, parameter)
        distinct = [
            corner for corner, following in zip(corners, corners[1:] + corners[:1], strict=True) if corner != following
        ]
        if len(distinct) < 3:
            raise ParameterError(parameter, f"must be {_POLYGON_FORM}, got {len(distinct)} different corners")
        if len(distinct) > MOST_CORNERS:
            problem = f"has {len(distinct)} corners, more than the {MOST_CORNERS} that are allowed; give it as a MOC"
            raise ParameterError(parameter, problem)
        _check_shape(distinct, parameter)
        return cls(tuple(distinct))

    @classmethod
    def box(cls, text: str, parameter: str = "box") -> Polygon:
        """Read a box as ADQL and STC have it: `ra dec width height`.

        Width and height are angles on the sky along the great circles through the centre, east-west and north-south;
        the sides are great circles at right angles to these. So a box has its size at every declination.

        Raises:
            ParameterError: it is none, or too large.
        """
        numbers = _numbers(text, parameter, _BOX_FORM)
        if len(numbers) != 4:
            raise ParameterError(parameter, f"must be {_BOX_FORM}, got {len(numbers)} values")
        ra, dec, width, height = numbers
        return cls.around(ra, dec, width, height, parameter)

    @classmethod
    def around(cls, ra: float, dec: float, width: float, height: float, parameter: str = "box") -> Polygon:
        """Return the box of this centre and size; raises as `box`."""
        _check_position(ra, dec, parameter)
        for name, size in (("width", width), ("height", height)):
            if not 0.0 < size <= WIDEST_BOX_DEG:
                problem = f"its {name} must be above 0 and at most {WIDEST_BOX_DEG:g} degrees, got {size:g}"
                raise ParameterError(parameter, problem)
        x, y = math.tan(math.radians(width) / 2), math.tan(math.radians(height) / 2)
        return cls(tuple(_from_plane(corner, ra, dec) for corner in ((-x, -y), (x, -y), (x, y), (-x, y))))


def _numbers(text: str, parameter: str, form: str) -> list[float]:
    words = text.replace(",", " ").split()
    for word in words:
        if not _NUMBER.fullmatch(word) or not math.isfinite(float(word)):
            raise ParameterError(parameter, f"must be {form}, got {word[:40]!r}")
    return [float(word) for word in words]


def _check_position(ra: float, dec: float, parameter: str) -> None:
    if not 0.0 <= ra <= 360.0:
        raise ParameterError(parameter, f"ra must be from 0 to 360 degrees, got {ra:g}")
    if not -90.0 <= dec <= 90.0:
        raise ParameterError(parameter, f"dec must be from -90 to 90 degrees, got {dec:g}")


def _check_shape(corners: list[Point], parameter: str) -> None:
    """Check a polygon on the plane that touches the sphere at its middle, where great circles are straight lines."""
    vectors = [_vector(*corner) for corner in corners]
    middle = (sum(x for x, _, _ in vectors), sum(y for _, y, _ in vectors), sum(z for _, _, z in vectors))
    length = math.hypot(*middle)
    towards = [_dot(middle, vector) for vector in vectors]
    if length < _SAME_PLACE or min(towards) <= _SAME_PLACE * length:
        raise ParameterError(parameter, "must fit into less than a hemisphere around the middle of its corners")
    ra, dec = math.degrees(math.atan2(middle[1], middle[0])), math.degrees(math.asin(middle[2] / length))
    points = [_to_plane(vector, ra, dec) for vector in vectors]
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    for (first, edge), (second, other) in combinations(enumerate(edges), 2):
        neighbours = second - first in {1, len(edges) - 1}
        if not neighbours and _cross(edge, other):
            raise ParameterError(parameter, f"crosses itself: its sides {first + 1} and {second + 1} meet")
    if all(abs(_turn(points[0], points[1], point)) < _SAME_PLACE for point in points):
        raise ParameterError(parameter, "encloses nothing: its corners lie on one great circle")


def _cross(edge: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    apart = _turn(*edge, other[0]) * _turn(*edge, other[1]) > 0
    return not apart and _turn(*other, edge[0]) * _turn(*other, edge[1]) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    """Return whether one turns left (above 0) or right (below) at `b` on the way from `a` to `c`."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _vector(ra: float, dec: float) -> Vector:
    ra, dec = math.radians(ra), math.radians(dec)
    return math.cos(ra) * math.cos(dec), math.sin(ra) * math.cos(dec), math.sin(dec)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _axes(ra: float, dec: float) -> tuple[Vector, Vector, Vector]:
    """Return the directions outward, east and north at a position."""
    east = (-math.sin(math.radians(ra)), math.cos(math.radians(ra)), 0.0)
    north = _vector(ra, dec + 90.0)
    return _vector(ra, dec), east, north


def _to_plane(vector: Vector, ra: float, dec: float) -> Point:
    outward, east, north = (_dot(axis, vector) for axis in _axes(ra, dec))
    return east / outward, north / outward


def _from_plane(point: Point, ra: float, dec: float) -> Point:
    outward, east, north = _axes(ra, dec)
    x, y, z = (o + point[0] * e + point[1] * n for o, e, n in zip(outward, east, north, strict=True))
    return math.degrees(math.atan2(y, x)) % 360.0, math.degrees(math.atan2(z, math.hypot(x, y)))
