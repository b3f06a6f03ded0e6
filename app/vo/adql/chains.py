"""Chains of operators: `a + b - c`, `x OR y OR z`; long ones are read without going deeper at each step."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from app.domain.fields import Datatype
from app.vo.adql.functions import widest
from app.vo.adql.values import Value


def chain(node: exp.Expr, kinds: tuple[type[exp.Expr], ...]) -> tuple[exp.Expr, list[tuple[type[exp.Expr], exp.Expr]]]:
    """Return the first part of `a + b - c ...` and the others with their operators, without going deeper each time."""
    rest: list[tuple[type[exp.Expr], exp.Expr]] = []
    while isinstance(node, kinds):
        rest.append((type(node), node.expression))
        node = node.this
    return node, rest[::-1]


def constant_of(kind: type[exp.Expr], left: float | None, right: Value, before: list[Value]) -> float | None:
    """Return what two known numbers make; whole ones are left to the database, which divides them its own way."""
    if left is None or right.constant is None:
        return None
    if kind is exp.Div and right.constant == 0:
        return None
    if kind is exp.Div and all(value.datatype is not None and value.datatype.whole for value in (*before, right)):
        return None
    operations: dict[type[exp.Expr], Callable[[float, float], float]] = {
        exp.Add: float.__add__,
        exp.Sub: float.__sub__,
        exp.Mul: float.__mul__,
        exp.Div: float.__truediv__,
    }
    return operations[kind](float(left), float(right.constant))


def type_of(values: list[Value]) -> Datatype | None:
    """Return what a computation with these numbers holds, where that is known."""
    kinds = {value.datatype for value in values}
    if kinds <= {Datatype.SHORT, Datatype.INT, Datatype.LONG}:
        return widest(values)
    return Datatype.FLOAT if kinds == {Datatype.FLOAT} else None if None in kinds else Datatype.DOUBLE
