"""Calls of functions, aggregates and geometry as PostgreSQL's SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from sqlglot import exp

from app.domain.errors import QueryError
from app.domain.fields import Datatype
from app.vo.adql import geometry, places
from app.vo.adql.functions import AGGREGATES, FUNCTIONS, in_unit
from app.vo.adql.scopes import Scope, closest
from app.vo.adql.shapes import SHAPES, Argument, Point, Shape
from app.vo.adql.values import Value

PREDICATES: Mapping[str, Callable[[Shape, Shape], str]] = {
    "CONTAINS": geometry.contains,
    "INTERSECTS": geometry.intersects,
}
_OF_SHAPES = ("AREA", "CENTROID", "COORD1", "COORD2", "COORDSYS", "DISTANCE")
_NAMES = (*FUNCTIONS, *AGGREGATES, *SHAPES, *PREDICATES, *_OF_SHAPES, "IN_UNIT", "CAST")

Given = TypeVar("Given")
Made = TypeVar("Made")


class Parts(Protocol):
    """Writes the arguments of a call."""

    def argument(self, node: exp.Expr, scope: Scope) -> Argument:
        """Return an expression or a shape."""

    def value(self, node: exp.Expr, scope: Scope) -> Value:
        """Return an expression that has a value."""

    def number(self, node: exp.Expr, scope: Scope) -> Value:
        """Return an expression that may be a number."""


class Calls:
    """Writes calls.

    Args:
        text: the query, for the places in messages.
        parts: writes the arguments.
    """

    def __init__(self, text: str, parts: Parts) -> None:
        self._text = text
        self._parts = parts

    def call(self, node: exp.Anonymous, scope: Scope) -> Argument:
        """Return what a call becomes.

        Raises:
            QueryError: there is no such function, or it takes other arguments.
        """
        name = call_name(node)
        if name in FUNCTIONS:
            return self._function(name, node, scope)
        if name in AGGREGATES:
            return self._aggregate(name, node, scope)
        if name in PREDICATES:
            return Value(
                f"(CASE WHEN {self.predicate(node, scope)} THEN 1 ELSE 0 END)", Datatype.INT, name=name.lower()
            )
        if name in SHAPES:
            return self._say(node, SHAPES[name], self._arguments(node, scope))
        if name in _OF_SHAPES:
            return self._of_shape(name, node, scope)
        if name == "IN_UNIT":
            return self._in_unit(node, scope)
        raise self._error(node, f"there is no function {node.name or name}{closest(name, _NAMES)}")

    def _function(self, name: str, node: exp.Anonymous, scope: Scope) -> Value:
        function = FUNCTIONS[name]
        if not function.fewest <= len(node.expressions) <= function.most:
            many = f"{function.fewest}" if function.fewest == function.most else f"{function.fewest} or more"
            raise self._error(node, f"{name} takes {many} argument(s), got {len(node.expressions)}")
        read = self._parts.number if function.numbers else self._parts.value
        written = function.write([read(argument, scope) for argument in node.expressions])
        return _named(written, name)

    def _aggregate(self, name: str, node: exp.Anonymous, scope: Scope) -> Value:
        arguments = list(node.expressions)
        distinct = ""
        if len(arguments) == 1 and isinstance(arguments[0], exp.Distinct):
            distinct, arguments = "DISTINCT ", arguments[0].expressions
        if len(arguments) != 1:
            raise self._error(node, f"{name} takes one argument")
        if isinstance(arguments[0], exp.Star):
            if name != "COUNT" or distinct:
                raise self._error(node, "* stands in COUNT(*) alone")
            return Value("count(*)", Datatype.LONG, name="count")
        read = self._parts.number if name in {"AVG", "SUM"} else self._parts.value
        return _named(AGGREGATES[name](read(arguments[0], scope), distinct), name)

    def predicate(self, node: exp.Expr, scope: Scope) -> str:
        """Return CONTAINS or INTERSECTS as a condition."""
        name = call_name(node)
        shapes = [shape for shape in self._arguments(node, scope) if not isinstance(shape, Value)]
        if len(shapes) != 2 or len(node.expressions) != 2:
            raise self._error(node, f"{name} takes two shapes: POINT, CIRCLE, POLYGON or BOX")
        return self._say(node, lambda two: PREDICATES[name](*two), shapes)

    def distance(self, node: exp.Expr, scope: Scope) -> tuple[Point, Point]:
        """Return the two points of a call of DISTANCE."""
        return self._say(node, geometry.distance, self._arguments(node, scope))

    def _of_shape(self, name: str, node: exp.Anonymous, scope: Scope) -> Argument:
        if name == "DISTANCE":
            return geometry.separation(*self.distance(node, scope))
        shapes = [shape for shape in self._arguments(node, scope) if not isinstance(shape, Value)]
        if len(shapes) != 1 or len(node.expressions) != 1:
            raise self._error(node, f"{name} takes one shape")
        (shape,) = shapes
        if name == "AREA":
            return geometry.area(shape)
        if name == "CENTROID":
            return self._say(node, geometry.centroid, shape)
        if name == "COORDSYS":
            return Value("'ICRS'", Datatype.TEXT, name="coordsys", longest=4)
        if not isinstance(shape, Point):
            raise self._error(node, f"{name} takes a POINT")
        coordinate = shape.ra if name == "COORD1" else shape.dec
        return replace(coordinate, name=coordinate.field.name if coordinate.field else name.lower(), unit="deg")

    def _in_unit(self, node: exp.Anonymous, scope: Scope) -> Value:
        arguments = node.expressions
        if len(arguments) != 2 or not (isinstance(arguments[1], exp.Literal) and arguments[1].is_string):
            raise self._error(node, "IN_UNIT takes a value and a unit in quotation marks")
        value = self._parts.number(arguments[0], scope)
        name = value.field.name if value.field else "in_unit"
        return _named(self._say(node, lambda unit: in_unit(value, unit), arguments[1].this), name)

    def _arguments(self, node: exp.Expr, scope: Scope) -> list[Argument]:
        return [self._parts.argument(argument, scope) for argument in node.expressions]

    def _error(self, node: exp.Expr, problem: str) -> QueryError:
        return places.error(node, problem, self._text)

    def _say(self, node: exp.Expr, make: Callable[[Given], Made], argument: Given) -> Made:
        """Return what is made of an argument; an error gets its place in the query."""
        try:
            return make(argument)
        except QueryError as error:
            raise self._error(node, error.problem) from None


def call_name(node: exp.Expr) -> str:
    """Return the name of a function as ADQL writes it; a quoted name is no function."""
    if isinstance(node, exp.Anonymous) and isinstance(node.this, str):
        return node.this.upper()
    return ""


def _named(value: Value, name: str) -> Value:
    return replace(value, name=name.lower())
