"""The shapes of ADQL, from their arguments or from a column: points, circles and polygons.

Coordinates are ICRS, in degrees. Edges of polygons are great circles, and the inside is the side that fits into a
hemisphere. A shape in an answer is written as DALI has it: an array of numbers whose meaning the xtype tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from app.domain import polygons as corners_of
from app.domain.errors import ParameterError, QueryError
from app.domain.fields import Datatype
from app.science import polygons
from app.science.arrays import Floats
from app.vo.adql.values import Value

FRAMES = {"", "ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER"}
MOST_CORNERS = 1_000
_MARGIN_DEG = 1e-9


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
        """The expressions for `ra`, brought to 0 up to 360 where it may lie elsewhere, and `dec`."""
        return self.ra.double if self.indexed or self.constant else _turned(self.ra.double), self.dec.double


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

    @property
    def vectors(self) -> Floats:
        """The corners as unit vectors (n, 3)."""
        return polygons.vectors(np.array(self.corners))

    @property
    def edges(self) -> Floats:
        """The sides (n, 12), as distances from them are computed."""
        return polygons.edges(self.vectors)

    @property
    def around(self) -> Circle:
        """A circle that holds all of it."""
        middle = polygons.middle(self.vectors)
        radius = float(np.degrees(polygons.reach_rad(self.vectors, middle)))
        return Circle(fixed(polygons.position(middle)), number(radius + _MARGIN_DEG))


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
        ra = number(turned)
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
    """Return BOX(ra, dec, width, height), or BOX(point, width, height): a polygon of four corners.

    Width and height are angles on the sky along the arms of a cross in its centre, and the sides are great circles at
    right angles to these (ADQL 2.1, section 4.2.8): it has its size at every declination, and may lie on a pole.
    """
    centre, rest = _place("BOX", _in_frame("BOX", arguments))
    if len(rest) != 2:
        raise QueryError("BOX takes ra, dec, width and height in degrees, or a POINT, width and height")
    ra, dec, width, height = (_constant("BOX", value) for value in (centre.ra, centre.dec, *rest))
    try:
        return _of_corners(corners_of.Polygon.around(ra, dec, width, height, "BOX").corners)
    except ParameterError as error:
        raise QueryError(error.problem) from None


SHAPES: Mapping[str, Callable[[Sequence[Argument]], Shape]] = {
    "POINT": point,
    "CIRCLE": circle,
    "POLYGON": polygon,
    "BOX": box,
}


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
    values = [argument for argument in arguments if isinstance(argument, Value) and not argument.xtype]
    if len(values) != len(arguments) or any(value.datatype is not None and value.datatype.textual for value in values):
        raise QueryError(f"{name} takes {what} as numbers, in degrees")
    return values


def _constant(name: str, value: Argument) -> float:
    if not isinstance(value, Value) or value.constant is None:
        raise QueryError(f"{name} takes numbers alone, in degrees")
    return value.constant


def number(value: float) -> Value:
    """Return a number as an expression."""
    return Value(f"{value!r}::float8", Datatype.DOUBLE, constant=value)


def fixed(position: tuple[float, float]) -> Point:
    """Return a position (ra, dec) that is the same for every row."""
    ra, dec = position
    return Point(number(ra), number(dec))


def _turned(ra: str) -> str:
    """Return a right ascension of any size, such as one from -180 to 180, as the sky index and an answer have it."""
    return f"({ra} - 360 * floor({ra} / 360))"


def of_column(column: Value) -> Shape:
    """Return the shape that a column of a query holds.

    Raises:
        QueryError: it is a polygon, whose corners must be known beforehand.
    """
    parts = [Value(f"({column.sql})[{place}]", Datatype.DOUBLE) for place in (1, 2, 3)]
    if column.xtype == "polygon":
        raise QueryError("a column of POLYGONs can be selected: to compute, write the POLYGON itself")
    centre = Point(parts[0], parts[1])
    return centre if column.xtype == "point" else Circle(centre, parts[2])


def as_value(shape: Shape) -> Value:
    """Return a shape as an answer holds it: the numbers of DALI's point, circle and polygon (DALI 1.1, section 3.3).

    The inside of a polygon lies left of its edges as one sees them from the Earth.
    """
    match shape:
        case Point():
            kind, text = "point", f"ARRAY[{', '.join(shape.sql)}]"
        case Circle():
            kind, text = "circle", f"ARRAY[{', '.join((*shape.centre.sql, shape.radius.double))}]"
        case Polygon():
            clockwise = polygons.signed_area_sr(shape.vectors) > 0
            kind, text = "polygon", replace(shape, corners=shape.corners[::-1] if clockwise else shape.corners).sql
    return Value(text, Datatype.DOUBLE, unit="deg", name=kind, xtype=kind)


def _of_corners(corners: Sequence[tuple[float, float]]) -> Polygon:
    if not all(-90 <= dec <= 90 for _, dec in corners):
        raise QueryError("a declination lies between -90 and 90 degrees")
    found = Polygon(tuple((ra % 360.0, dec) for ra, dec in _without_repetition(corners)))
    if len(found.corners) < 3:
        raise QueryError("POLYGON takes ra and dec of three different corners or more, in degrees")
    if not polygons.is_below_hemisphere(found.vectors):
        raise QueryError("a polygon fits into less than a hemisphere: divide it into several")
    if not polygons.is_simple(found.vectors):
        raise QueryError("a polygon encloses something, and its sides do not cross: divide it into several")
    return found


def _without_repetition(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of which none is where the one before it is; the first may be repeated at the end."""
    vectors = polygons.vectors(np.array(corners))
    steps = np.linalg.norm(vectors - np.roll(vectors, 1, axis=0), axis=1)
    return [corner for corner, step in zip(corners, steps, strict=True) if step > polygons.SAME_RAD]
