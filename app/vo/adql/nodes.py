"""Which parts of sqlglot's trees ADQL has: everything else in a node is refused, not passed over."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from app.vo.adql.places import error

# What a node may hold; what stands in `_SILENT` says how sqlglot reads other dialects and changes nothing.
_HELD: dict[type[exp.Expr], str] = {
    exp.Select: "with_ expressions distinct limit from_ joins where group having order offset",
    exp.Union: "with_ this expression distinct order offset",
    exp.Except: "with_ this expression distinct order offset",
    exp.Intersect: "with_ this expression distinct order offset",
    exp.With: "expressions",
    exp.CTE: "this alias",
    exp.From: "this",
    exp.Table: "this db alias joins",
    exp.TableAlias: "this columns",
    exp.Subquery: "this alias with_ joins",
    exp.Join: "this side kind method on using",
    exp.Where: "this",
    exp.Having: "this",
    exp.Group: "expressions",
    exp.Order: "expressions",
    exp.Ordered: "this desc",
    exp.Limit: "expression",
    exp.Offset: "expression",
    exp.Distinct: "expressions",
    exp.Alias: "this alias",
    exp.Column: "this table db",
    exp.Identifier: "this quoted",
    exp.Star: "",
    exp.Literal: "this is_string",
    exp.Null: "",
    exp.Boolean: "this",
    exp.Paren: "this",
    exp.Neg: "this",
    exp.Not: "this",
    exp.Between: "this low high",
    exp.In: "this expressions query",
    exp.Is: "this expression",
    exp.Exists: "this",
    exp.Case: "this ifs default",
    exp.If: "this true",
    exp.Cast: "this to",
    exp.DataType: "this expressions kind",
    exp.DataTypeParam: "this",
    exp.Anonymous: "this expressions",
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.DPipe), "this expression"),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), "this expression"),
    **dict.fromkeys((exp.And, exp.Or), "this expression"),
    **dict.fromkeys((exp.Like, exp.ILike), "this expression negate"),
}
_ALLOWED: Mapping[type[exp.Expr], frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _HELD.items()}
_SILENT = frozenset({"typed", "safe", "nulls_first", "nested"})


def check(tree: exp.Expr, text: str) -> None:
    """Refuse a tree that holds anything that ADQL has not.

    Raises:
        QueryError: naming the part and its place.
    """
    for node in tree.walk():
        allowed = _ALLOWED.get(type(node))
        if allowed is None:
            raise error(node, f"{_called(node)} is not part of ADQL", text)
        for name, held in node.args.items():
            if held and name not in allowed and name not in _SILENT:
                raise error(
                    node, f"{_called(node)} with {name.strip('_').replace('_', ' ')!r} is not part of ADQL", text
                )


def _called(node: exp.Expr) -> str:
    return type(node).__name__.upper()
