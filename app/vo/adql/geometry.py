"""ADQL's geometry on the sky index: points, circles and polygons, and the conditions and numbers made of them.

Coordinates are ICRS, in degrees. Edges of polygons are great circles, and the inside is the side that fits into a
hemisphere. A point on the rim of a circle lies in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from app.domain.errors import QueryError
from app.domain.fields import Datatype
from app.storage import sky
from app.vo.adql.values import Value

FRAMES = {"", "ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER"}
SQUARE_DEG = "129600 / pi()"  # 4 pi times the square degrees of a steradian
MOST_CORNERS = 1_000


@dataclass(frozen=True)
class Point:
    """A position."""

    ra: Value
    dec: Value

    @property
    def indexed(self) -> bool:
        """Whether the position is that of the index."""
        return all(value.field is not None and value.field.indexed for value in (self.ra, self.dec))

    @property
    def constant(self) -> bool:
        """Whether the position is the same for every row."""
        return self.ra.constant is not None and self.dec.constant is not None

    @property
    def sql(self) -> tuple[str, str]:
        """The expressions for `ra` and `dec`."""
        return self.ra.double, self.dec.double


@dataclass(frozen=True)
class Circle:
    """A circle; `radius` in degrees."""

    centre: Point
    radius: Value


@dataclass(frozen=True)
class Polygon:
    """Corners (ra, dec) in degrees, in order."""

    corners: tuple[tuple[float, float], ...]

    @property
    def sql(self) -> str:
        """The corners as the sky functions take them."""
        numbers = ", ".join(repr(number) for corner in self.corners for number in corner)
        return f"ARRAY[{numbers}]::float8[]"


Shape: TypeAlias = Point | Circle | Polygon
Argument: TypeAlias = Value | Shape


def point(arguments: Sequence[Argument]) -> Point:
    """Return POINT(ra, dec); its first argument may name the frame, as in every other shape."""
    values = _numbers("POINT", _in_frame("POINT", arguments), "ra and dec")
    if len(values) != 2:
        raise QueryError("POINT takes ra and dec, in degrees")
    ra, dec = values
    if dec.constant is not None and not -90 <= dec.constant <= 90:
        raise QueryError(f"a declination lies between -90 and 90 degrees, got {dec.constant:g}")
    if ra.constant is not None:
        turned = ra.constant % 360.0
        ra = Value(f"{turned!r}::float8", Datatype.DOUBLE, constant=turned)
    return Point(ra, dec)


def circle(arguments: Sequence[Argument]) -> Circle:
    """Return CIRCLE(ra, dec, radius) or CIRCLE(point, radius)."""
    centre, rest = _place("CIRCLE", _in_frame("CIRCLE", arguments))
    values = _numbers("CIRCLE", rest, "a radius")
    if len(values) != 1:
        raise QueryError("CIRCLE takes ra, dec and a radius in degrees, or a POINT and a radius")
    if values[0].constant is not None and not 0 <= values[0].constant <= 180:
        raise QueryError(f"a radius lies between 0 and 180 degrees, got {values[0].constant:g}")
    return Circle(centre, values[0])


def polygon(arguments: Sequence[Argument]) -> Polygon:
    """Return POLYGON(ra, dec, ra, dec, ra, dec, ...) or POLYGON(point, point, point, ...) of numbers."""
    given = _in_frame("POLYGON", arguments)
    numbers: list[float] = []
    for argument in given:
        values = (argument.ra, argument.dec) if isinstance(argument, Point) else (argument,)
        numbers += [_constant("POLYGON", value) for value in values]
    if len(numbers) < 6 or len(numbers) % 2:
        raise QueryError("POLYGON takes ra and dec of three corners or more, in degrees")
    if len(numbers) > 2 * MOST_CORNERS:
        raise QueryError(f"a POLYGON has at most {MOST_CORNERS} corners")
    return _of_corners(list(zip(numbers[::2], numbers[1::2], strict=True)))


def box(arguments: Sequence[Argument]) -> Polygon:
    """Return BOX(ra, dec, width, height), or BOX(point, width, height): the polygon of its four corners."""
    centre, rest = _place("BOX", _in_frame("BOX", arguments))
    if len(rest) != 2:
        raise QueryError("BOX takes ra, dec, width and height in degrees, or a POINT, width and height")
    ra, dec, width, height = (_constant("BOX", value) for value in (centre.ra, centre.dec, *rest))
    if not (0 < width < 180 and height > 0 and dec - height / 2 >= -90 and dec + height / 2 <= 90):
        raise QueryError("a BOX is from 0 to 180 degrees wide and reaches over neither pole")
    east, west, south, north = ra + width / 2, ra - width / 2, dec - height / 2, dec + height / 2
    return _of_corners([(east, south), (west, south), (west, north), (east, north)])


SHAPES: Mapping[str, Callable[[Sequence[Argument]], Shape]] = {
    "POINT": point,
    "CIRCLE": circle,
    "POLYGON": polygon,
    "BOX": box,
}


def near(first: Point, second: Point, comparison: str, radius: Value) -> str:
    """Return the condition that two points are nearer than a radius, on the side that has the index."""
    here, there = (second, first) if second.indexed and not first.indexed else (first, second)
    return sky.near(here.sql, there.sql, comparison, radius.double, constant=there.constant)


def contains(inner: Shape, outer: Shape) -> str:
    """Return the condition that one shape lies wholly in another.

    Raises:
        QueryError: this pair of shapes is not answered.
    """
    match inner, outer:
        case Point(), Circle():
            return near(inner, outer.centre, "<=", outer.radius)
        case Point(), Polygon():
            return sky.in_polygon(*inner.sql, outer.sql)
        case Circle(), Circle():
            left = Value(f"({outer.radius.double} - {inner.radius.double})", Datatype.DOUBLE)
            return near(inner.centre, outer.centre, "<=", left)
        case Polygon(), Circle() if outer.radius.constant is not None and outer.radius.constant < 90:
            corners = (near(_fixed(corner), outer.centre, "<=", outer.radius) for corner in inner.corners)
            return f"({' AND '.join(corners)})"
    raise QueryError(
        "CONTAINS answers a POINT in a CIRCLE, POLYGON or BOX, a CIRCLE in a CIRCLE, and a POLYGON or BOX in a CIRCLE"
        " of fixed radius below 90 degrees"
    )


def intersects(first: Shape, second: Shape) -> str:
    """Return the condition that two shapes have a point in common.

    Raises:
        QueryError: this pair of shapes is not answered.
    """
    match first, second:
        case Circle(), Circle():
            reach = Value(f"({first.radius.double} + {second.radius.double})", Datatype.DOUBLE)
            return near(first.centre, second.centre, "<=", reach)
        case Point(), Circle() | Polygon():
            return contains(first, second)
        case Circle() | Polygon(), Point():
            return contains(second, first)
    raise QueryError("INTERSECTS answers a POINT and a CIRCLE, POLYGON or BOX, and two CIRCLEs")


def distance(arguments: Sequence[Argument]) -> tuple[Point, Point]:
    """Return the two points of DISTANCE(point, point) or DISTANCE(ra, dec, ra, dec)."""
    if len(arguments) == 4:
        return point(arguments[:2]), point(arguments[2:])
    match list(arguments):
        case [Point() as first, Point() as second]:
            return first, second
    raise QueryError("DISTANCE takes two POINTs, or ra, dec, ra and dec, in degrees")


def separation(first: Point, second: Point) -> Value:
    """Return the distance of two points in degrees."""
    return Value(sky.separation_deg(*first.sql, *second.sql), Datatype.DOUBLE, unit="deg", name="distance")


def area(shape: Shape) -> Value:
    """Return the area of a shape in square degrees."""
    match shape:
        case Point():
            return Value("0::float8", Datatype.DOUBLE, unit="deg**2", name="area")
        case Circle():
            text = f"({SQUARE_DEG} * power(sin(radians({shape.radius.double}) / 2), 2))"
        case Polygon():
            text = f"{_polygon_area(shape)!r}::float8"
    return Value(text, Datatype.DOUBLE, unit="deg**2", name="area")


def centroid(shape: Shape) -> Point:
    """Return the middle of a shape.

    Raises:
        QueryError: the shape is a polygon.
    """
    match shape:
        case Point():
            return shape
        case Circle():
            return shape.centre
    raise QueryError("CENTROID takes a POINT or a CIRCLE")


def _in_frame(name: str, arguments: Sequence[Argument]) -> Sequence[Argument]:
    """Return the arguments after the frame, where one is named."""
    first = arguments[0] if arguments else None
    if not isinstance(first, Value) or first.datatype is not Datatype.TEXT or not first.sql.startswith("'"):
        return arguments
    if first.sql[1:-1].upper() not in FRAMES:
        raise QueryError(f"{name}: positions are in 'ICRS', got {first.sql}")
    return arguments[1:]


def _place(name: str, arguments: Sequence[Argument]) -> tuple[Point, Sequence[Argument]]:
    """Return the centre with which a shape begins, as one argument or two, and the arguments after it."""
    if arguments and isinstance(arguments[0], Point):
        return arguments[0], arguments[1:]
    if len(arguments) < 2:
        raise QueryError(f"{name} begins with its centre: ra and dec in degrees, or a POINT")
    return point(arguments[:2]), arguments[2:]


def _numbers(name: str, arguments: Sequence[Argument], what: str) -> list[Value]:
    values = [argument for argument in arguments if isinstance(argument, Value)]
    if len(values) != len(arguments) or any(value.datatype is not None and value.datatype.textual for value in values):
        raise QueryError(f"{name} takes {what} as numbers, in degrees")
    return values


def _constant(name: str, value: Argument) -> float:
    if not isinstance(value, Value) or value.constant is None:
        raise QueryError(f"{name} takes numbers alone, in degrees")
    return value.constant


def _fixed(corner: tuple[float, float]) -> Point:
    ra, dec = (Value(f"{number!r}::float8", Datatype.DOUBLE, constant=number) for number in corner)
    return Point(ra, dec)


def _of_corners(corners: Sequence[tuple[float, float]]) -> Polygon:
    if not all(-90 <= dec <= 90 for _, dec in corners):
        raise QueryError("a declination lies between -90 and 90 degrees")
    found = Polygon(tuple((ra % 360.0, dec) for ra, dec in corners))
    middle = _unit(found).mean(axis=0)
    size = float(np.linalg.norm(middle))
    if size < 1e-9 or float((_unit(found) @ middle).min()) <= 1e-9:
        raise QueryError("a polygon fits into less than a hemisphere: divide it into several")
    return found


def _unit(shape: Polygon) -> np.ndarray:
    """Return the corners as unit vectors (n, 3)."""
    ra, dec = np.radians(np.array(shape.corners)).T
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def _polygon_area(shape: Polygon) -> float:
    """Return the area in square degrees: the signed triangles between the middle and each edge.

    A triangle of unit vectors a, b, c has the excess E with tan(E / 2) = a.(b x c) / (1 + a.b + b.c + c.a)
    (Van Oosterom & Strackee 1983, IEEE Trans. Biomed. Eng. 30, 125).
    """
    corners = _unit(shape)
    middle = corners.mean(axis=0)
    middle /= np.linalg.norm(middle)
    following = np.roll(corners, -1, axis=0)
    triple = np.cross(corners, following) @ middle
    scale = 1 + corners @ middle + following @ middle + (corners * following).sum(axis=1)
    return float(abs(2 * np.arctan2(triple, scale).sum()) * np.degrees(1) ** 2)
