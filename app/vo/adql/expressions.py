"""Expressions of ADQL as PostgreSQL's SQL, piece by piece; what has no rule here has no way through."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field
from app.vo.adql import geometry, places, shapes
from app.vo.adql.calls import PREDICATES, Calls, call_name
from app.vo.adql.chains import chain, constant_of, type_of
from app.vo.adql.functions import widest
from app.vo.adql.scopes import Scope
from app.vo.adql.shapes import Argument
from app.vo.adql.values import Value, literal

Subquery = Callable[[exp.Expr, Scope], tuple[str, tuple[Field, ...]]]

LARGEST_LONG = 2**63 - 1
LONGEST_CAST = 10_000
LONGEST_TEXT = 100_000  # a query that doubles a text again and again fills the memory of the server
_COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TYPES: Mapping[exp.DType, tuple[str, Datatype]] = {
    exp.DType.SMALLINT: ("int2", Datatype.SHORT),
    exp.DType.INT: ("int4", Datatype.INT),
    exp.DType.BIGINT: ("int8", Datatype.LONG),
    exp.DType.FLOAT: ("float4", Datatype.FLOAT),
    exp.DType.DOUBLE: ("float8", Datatype.DOUBLE),
    exp.DType.CHAR: ("bpchar", Datatype.TEXT),
    exp.DType.VARCHAR: ("varchar", Datatype.TEXT),
    exp.DType.BOOLEAN: ("boolean", Datatype.BOOLEAN),
}
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Expressions:
    """Writes expressions.

    Args:
        text: the query, for the places in messages.
        subquery: writes a query inside an expression, and says what is known of its columns.
    """

    def __init__(self, text: str, subquery: Subquery) -> None:
        self._text = text
        self._subquery = subquery
        self._calls = Calls(text, self)

    def value(self, node: exp.Expr, scope: Scope) -> Value:
        """Return an expression that has a value.

        Raises:
            QueryError: it is a shape, or no ADQL.
        """
        found = self.argument(node, scope)
        if not isinstance(found, Value):
            what = f"a {type(found).__name__.upper()} cannot be computed with: put it into CONTAINS, DISTANCE or AREA"
            raise self._error(node, what)
        return found

    def item(self, node: exp.Expr, scope: Scope) -> Value:
        """Return an expression that an answer can hold: one that has a value, or a shape.

        Raises:
            QueryError: it is no ADQL.
        """
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return scope.column(node)
        found = self.argument(node, scope)
        return found if isinstance(found, Value) else shapes.as_value(found)

    def condition(self, node: exp.Expr, scope: Scope) -> str:
        """Return an expression that is true or false."""
        return self.value(node, scope).sql

    def argument(self, node: exp.Expr, scope: Scope) -> Argument:
        """Return an expression or a shape."""
        rule = _RULES.get(type(node))
        if rule is None:
            raise self._error(node, f"{type(node).__name__.upper()} cannot stand here")
        return rule(self, node, scope)

    def _error(self, node: exp.Expr, problem: str) -> QueryError:
        return places.error(node, problem, self._text)

    def as_column(self, node: exp.Column, scope: Scope) -> Argument:
        """Write a column; one that holds shapes is a shape."""
        if isinstance(node.this, exp.Star):
            raise self._error(node, "* stands after SELECT or in COUNT(*)")
        found = scope.column(node)
        if not found.xtype:
            return found
        try:
            return shapes.of_column(found)
        except QueryError as error:
            raise self._error(node, error.problem) from None

    def as_literal(self, node: exp.Literal, _: Scope) -> Value:
        """Write a number or a text."""
        if node.is_string:
            kind = Datatype.TEXT if node.this.isascii() else Datatype.UNICODE
            return Value(literal(node.this), kind, longest=len(node.this))
        if not _NUMBER.fullmatch(node.this):
            raise self._error(node, f"{node.this!r} is no number")
        if node.this.isdigit() and len(node.this) < 20 and int(node.this) <= LARGEST_LONG:
            number = int(node.this)
            kind = Datatype.INT if number < 2**31 else Datatype.LONG
            return Value(str(number), kind, constant=number)
        size = float(node.this)
        if size == float("inf"):
            raise self._error(node, f"{node.this!r} is larger than a double holds")
        return Value(f"{size!r}::float8", Datatype.DOUBLE, constant=size)

    def as_null(self, *_: Any) -> Value:
        """Write NULL."""
        return Value("NULL")

    def as_boolean(self, node: exp.Boolean, _: Scope) -> Value:
        """Write TRUE or FALSE."""
        return Value("TRUE" if node.this else "FALSE", Datatype.BOOLEAN)

    def as_parenthesis(self, node: exp.Paren, scope: Scope) -> Argument:
        """Write what stands in parentheses."""
        return self.argument(node.this, scope)

    def as_negative(self, node: exp.Neg, scope: Scope) -> Value:
        """Write a number with its sign turned."""
        found = self.number(node.this, scope)
        constant = None if found.constant is None else -found.constant
        return Value(f"(- {found.sql})", found.datatype, unit=found.unit, constant=constant)

    def as_not(self, node: exp.Not, scope: Scope) -> Value:
        """Write NOT."""
        return _truth(f"(NOT {self.condition(node.this, scope)})")

    def as_connected(self, node: exp.Expr, scope: Scope) -> Value:
        """Write a chain of AND or OR side by side: long ones are lists of alternatives."""
        first, rest = chain(node, (type(node),))
        parts = [self.condition(part, scope) for part in (first, *(part for _, part in rest))]
        return _truth(f"({(' AND ' if isinstance(node, exp.And) else ' OR ').join(parts)})")

    def as_computed(self, node: exp.Expr, scope: Scope) -> Value:
        """Write a chain of + and -, or of * and /, which PostgreSQL reads from left to right as ADQL does."""
        group = (exp.Add, exp.Sub) if isinstance(node, exp.Add | exp.Sub) else (exp.Mul, exp.Div)
        first, rest = chain(node, group)
        found = self.number(first, scope)
        pieces, kinds, constant = [found.sql], [found], found.constant
        for kind, part in rest:
            value = self.number(part, scope)
            constant = constant_of(kind, constant, value, kinds)
            pieces += [_ARITHMETIC[kind], value.sql]
            kinds.append(value)
        units = {value.unit for value in kinds}
        unit = units.pop() if len(units) == 1 and group[0] is exp.Add else None
        return Value(f"({' '.join(pieces)})", type_of(kinds), unit=unit, constant=constant)

    def as_joined(self, node: exp.Expr, scope: Scope) -> Value:
        """Write texts one after the other."""
        first, rest = chain(node, (exp.DPipe,))
        parts = [self.value(part, scope) for part in (first, *(part for _, part in rest))]
        longest = sum(part.longest for part in parts)
        if longest > LONGEST_TEXT:
            raise self._error(node, f"a text that is put together has at most {LONGEST_TEXT:,} characters")
        kind = Datatype.UNICODE if any(part.datatype is Datatype.UNICODE for part in parts) else Datatype.TEXT
        return Value(f"({' || '.join(part.sql for part in parts)})", kind, longest=longest)

    def as_compared(self, node: exp.Expr, scope: Scope) -> Value:
        """Write a comparison; CONTAINS and DISTANCE in one become a condition on the sky index."""
        sign = _COMPARISONS[type(node)]
        for one, other, turned in (
            (node.this, node.expression, sign),
            (node.expression, node.this, _TURNED.get(sign, sign)),
        ):
            special = self._geometric(one, other, turned, scope)
            if special is not None:
                return _truth(special)
        return _truth(f"({self.value(node.this, scope).sql} {sign} {self.value(node.expression, scope).sql})")

    def as_like(self, node: exp.Expr, scope: Scope) -> Value:
        """Write LIKE; without ESCAPE '' PostgreSQL would take a backslash in the pattern for more than itself."""
        sign = f"{'NOT ' if node.args.get('negate') else ''}{'LIKE' if isinstance(node, exp.Like) else 'ILIKE'}"
        this, pattern = self.value(node.this, scope).sql, self.value(node.expression, scope).sql
        return _truth(f"({this} {sign} {pattern} ESCAPE '')")

    def _geometric(self, call: exp.Expr, other: exp.Expr, sign: str, scope: Scope) -> str | None:
        """Return the condition for `CONTAINS(...) = 1` or `DISTANCE(...) < r`, which the sky index answers."""
        name = call_name(call)
        if name in PREDICATES and sign in {"=", "<>"}:
            wanted = self.value(other, scope).constant
            if wanted not in {0, 1}:
                raise self._error(other, f"{name} is 1 or 0: compare it to one of them")
            condition = self._calls.predicate(call, scope)
            return condition if (wanted == 1) == (sign == "=") else f"(NOT {condition})"
        if name == "DISTANCE" and sign in {"<", "<="}:
            first, second = self._calls.distance(call, scope)
            return geometry.near(first, second, sign, self.number(other, scope))
        return None

    def as_call(self, node: exp.Anonymous, scope: Scope) -> Argument:
        """Write a call of a function."""
        return self._calls.call(node, scope)

    def as_between(self, node: exp.Between, scope: Scope) -> Value:
        """Write BETWEEN."""
        this, low, high = (self.value(node.args[part], scope).sql for part in ("this", "low", "high"))
        return _truth(f"({this} BETWEEN {low} AND {high})")

    def as_in(self, node: exp.In, scope: Scope) -> Value:
        """Write IN."""
        this = self.value(node.this, scope).sql
        query = node.args.get("query")
        if query is not None:
            return _truth(f"({this} IN {self.as_column_of(query, scope).sql})")
        if not node.expressions:
            raise self._error(node, "IN takes a list of values in parentheses, or a query")
        listed = ", ".join(self.value(item, scope).sql for item in node.expressions)
        return _truth(f"({this} IN ({listed}))")

    def as_is(self, node: exp.Is, scope: Scope) -> Value:
        """Write IS NULL."""
        if not isinstance(node.expression, exp.Null):
            raise self._error(node, "IS is followed by NULL or NOT NULL")
        return _truth(f"({self.value(node.this, scope).sql} IS NULL)")

    def as_exists(self, node: exp.Exists, scope: Scope) -> Value:
        """Write EXISTS."""
        return _truth(f"EXISTS ({self._subquery(node.this, scope)[0]})")

    def as_column_of(self, node: exp.Expr, scope: Scope) -> Value:
        """Write a query that is a value: it has one column."""
        inner = node.this if isinstance(node, exp.Subquery) else node
        if node.args.get("alias") or node.args.get("joins"):
            raise self._error(node, "a query in an expression has no name, and is not joined")
        text, columns = self._subquery(inner, scope)
        if len(columns) != 1:
            raise self._error(node, f"a query in an expression has one column, this one has {len(columns)}")
        (column,) = columns
        return Value(f"({text})", column.datatype, unit=column.unit, longest=column.longest)

    def as_case(self, node: exp.Case, scope: Scope) -> Value:
        """Write CASE."""
        pieces = ["(CASE"]
        if node.this is not None:
            pieces.append(self.value(node.this, scope).sql)
        results = []
        for branch in node.args["ifs"]:
            results.append(self.value(branch.args["true"], scope))
            pieces.append(f"WHEN {self.value(branch.this, scope).sql} THEN {results[-1].sql}")
        if node.args.get("default") is not None:
            results.append(self.value(node.args["default"], scope))
            pieces.append(f"ELSE {results[-1].sql}")
        longest = max(result.longest for result in results)
        return Value(" ".join([*pieces, "END)"]), widest(results), name="case", longest=longest)

    def as_cast(self, node: exp.Cast, scope: Scope) -> Value:
        """Write CAST."""
        wanted = _TYPES.get(node.to.this)
        if wanted is None:
            names = "SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR(n), VARCHAR(n) and BOOLEAN"
            raise self._error(node, f"CAST knows the types {names}")
        name, kind = wanted
        lengths = [_whole(part.this) for part in node.to.expressions]
        if lengths and (kind is not Datatype.TEXT or len(lengths) != 1 or not 1 <= lengths[0] <= LONGEST_CAST):
            raise self._error(node, f"only CHAR and VARCHAR have a length, from 1 to {LONGEST_CAST}")
        if not lengths and node.to.this is exp.DType.CHAR:
            lengths = [1]
        value = self.value(node.this, scope)
        sql = f"CAST({value.sql} AS {name}{f'({lengths[0]})' if lengths else ''})"
        column = value.field.name if value.field else None
        kind = Datatype.UNICODE if kind is Datatype.TEXT and value.datatype is Datatype.UNICODE else kind
        return Value(sql, kind, unit=value.unit, longest=lengths[0] if lengths else value.longest, name=column)

    def number(self, node: exp.Expr, scope: Scope) -> Value:
        """Return an expression that may be a number.

        Raises:
            QueryError: it is a text, a truth value or a shape.
        """
        found = self.value(node, scope)
        if found.datatype in {Datatype.TEXT, Datatype.UNICODE, Datatype.BOOLEAN}:
            raise self._error(node, "a number is needed here")
        return found


def _truth(sql: str) -> Value:
    return Value(sql, Datatype.BOOLEAN)


def _whole(node: exp.Expr) -> int:
    return int(node.this) if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit() else 0


_RULES: Mapping[type[exp.Expr], Callable[..., Argument]] = {
    exp.Column: Expressions.as_column,
    exp.Literal: Expressions.as_literal,
    exp.Null: Expressions.as_null,
    exp.Boolean: Expressions.as_boolean,
    exp.Paren: Expressions.as_parenthesis,
    exp.Neg: Expressions.as_negative,
    exp.Not: Expressions.as_not,
    exp.Between: Expressions.as_between,
    exp.In: Expressions.as_in,
    exp.Is: Expressions.as_is,
    exp.Exists: Expressions.as_exists,
    exp.Subquery: Expressions.as_column_of,
    exp.Case: Expressions.as_case,
    exp.Cast: Expressions.as_cast,
    exp.Anonymous: Expressions.as_call,
    exp.DPipe: Expressions.as_joined,
    **dict.fromkeys((exp.And, exp.Or), Expressions.as_connected),
    **dict.fromkeys(_ARITHMETIC, Expressions.as_computed),
    **dict.fromkeys(_COMPARISONS, Expressions.as_compared),
    **dict.fromkeys((exp.Like, exp.ILike), Expressions.as_like),
}
