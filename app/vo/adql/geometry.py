"""ADQL's geometry on the sky index: conditions and numbers made of shapes, right at the poles and across RA 0.

A point on the rim of a circle lies in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.domain.errors import QueryError
from app.domain.fields import Datatype
from app.science import polygons
from app.storage import sky
from app.storage.sky_edges import edge_distance_deg
from app.vo.adql.shapes import Argument, Circle, Point, Polygon, Shape, fixed, point
from app.vo.adql.values import Value

SQUARE_DEG = "129600 / pi()"  # 4 pi times the square degrees of a steradian


def near(first: Point, second: Point, comparison: str, radius: Value) -> str:
    """Return the condition that two points are nearer than a radius, on the side that has the index."""
    here, there = (second, first) if second.indexed and not first.indexed else (first, second)
    if radius.constant is not None and radius.constant > sky.WIDEST_CIRCLE_DEG:
        return f"({sky.separation_deg(*here.sql, *there.sql)} {comparison} {radius.double})"
    return sky.near(here.sql, there.sql, comparison, radius.double, constant=there.constant)


def contains(inner: Shape, outer: Shape) -> str:
    """Return the condition that one shape lies wholly in another.

    Raises:
        QueryError: the outer one is a point.
    """
    match inner, outer:
        case Point(), Circle():
            return near(inner, outer.centre, "<=", outer.radius)
        case Point(), Polygon():
            return sky.in_polygon(*inner.sql, outer.sql)
        case Circle(), Circle():
            return near(inner.centre, outer.centre, "<=", _left_over(outer.radius, inner.radius))
        case Circle(), Polygon():
            room = edge_distance_deg(*inner.centre.sql, outer.edges)
            return f"({contains(inner.centre, outer)} AND {room} >= {inner.radius.double})"
        case Polygon(), Circle():
            return _polygon_in_circle(inner, outer)
        case Polygon(), Polygon():
            return _truth(holds=polygons.covers(outer.vectors, inner.vectors))
    raise QueryError("CONTAINS takes a shape and what may hold it: a CIRCLE, POLYGON or BOX")


def intersects(first: Shape, second: Shape) -> str:
    """Return the condition that two shapes have a point in common.

    Raises:
        QueryError: both are points.
    """
    match first, second:
        case Circle(), Circle():
            reach = Value(f"({first.radius.double} + {second.radius.double})", Datatype.DOUBLE)
            return near(first.centre, second.centre, "<=", reach)
        case (Circle(), Polygon()) | (Polygon(), Circle()):
            circle, polygon = (first, second) if isinstance(first, Circle) else (second, first)
            assert isinstance(circle, Circle)
            assert isinstance(polygon, Polygon)
            return _circle_meets_polygon(circle, polygon)
        case Polygon(), Polygon():
            return _truth(holds=polygons.meet(first.vectors, second.vectors))
        case Point(), Circle() | Polygon():
            return contains(first, second)
        case Circle() | Polygon(), Point():
            return contains(second, first)
    raise QueryError("INTERSECTS takes two shapes, not two POINTs: compare their DISTANCE")


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
            text = f"{abs(polygons.signed_area_sr(shape.vectors)) * float(np.degrees(1)) ** 2!r}::float8"
    return Value(text, Datatype.DOUBLE, unit="deg**2", name="area")


def centroid(shape: Shape) -> Point:
    """Return the middle of a shape, of a polygon the direction of the mean of all positions in it."""
    match shape:
        case Point():
            return shape
        case Circle():
            return shape.centre
        case Polygon():
            return fixed(polygons.position(polygons.centroid(shape.vectors)))


def _left_over(outer: Value, inner: Value) -> Value:
    """Return how far the centre of a circle may be from that of another that holds it; one of 180 degrees holds all."""
    text = f"(CASE WHEN {outer.double} >= 180 THEN 180 ELSE {outer.double} - {inner.double} END)"
    return Value(text, Datatype.DOUBLE)


def _polygon_in_circle(polygon: Polygon, circle: Circle) -> str:
    """Return the condition that a circle holds a polygon.

    One of less than 90 degrees holds it where it holds its corners, any other one where the polygon is nowhere nearer
    to the opposite place of the sky than the circle's rim.
    """
    if circle.radius.constant is not None and circle.radius.constant < 90:
        corners = (near(fixed(corner), circle.centre, "<=", circle.radius) for corner in polygon.corners)
        return f"({' AND '.join(corners)})"
    ra, dec = circle.centre.sql
    opposite = (f"(CASE WHEN {ra} >= 180 THEN {ra} - 180 ELSE {ra} + 180 END)", f"(- {dec})")
    apart = f"(NOT {sky.in_polygon(*opposite, polygon.sql)} AND {edge_distance_deg(*opposite, polygon.edges)} >="
    return f"({circle.radius.double} >= 180 OR {apart} 180 - {circle.radius.double}))"


def _circle_meets_polygon(circle: Circle, polygon: Polygon) -> str:
    """Return the condition that a circle and a polygon meet; first whether they are near, which the index answers."""
    around = polygon.around
    reach = Value(f"({around.radius.double} + {circle.radius.double})", Datatype.DOUBLE)
    centre_in = contains(circle.centre, polygon)
    touched = f"{edge_distance_deg(*circle.centre.sql, polygon.edges)} <= {circle.radius.double}"
    return f"({near(circle.centre, around.centre, '<=', reach)} AND ({centre_in} OR {touched}))"


def _truth(*, holds: bool) -> str:
    return "TRUE" if holds else "FALSE"
