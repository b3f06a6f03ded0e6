"""SELECT, set operations and WITH as PostgreSQL's SQL; every column of an answer keeps what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field, ServedTable
from app.vo.adql import places
from app.vo.adql.expressions import Expressions
from app.vo.adql.scopes import Relation, Scope, checked_name, closest, same
from app.vo.adql.values import Value, quoted

_OPERATIONS: Mapping[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
MOST_SOURCES = 40  # each may take its own share of the server's memory
MOST_COLUMNS = 1_600  # PostgreSQL has no more; queries in queries would double them again and again
LONGEST_ROW = 10_000_000
_SIDES = {"": "INNER", "LEFT": "LEFT", "RIGHT": "RIGHT", "FULL": "FULL"}
# Common table expressions: what each is called in SQL, and its columns, by its name. A name of the query's own would be
# taken for that of a table of ours, where a served table is made of one.
Common = Mapping[str, tuple[str, tuple[Field, ...]]]


@dataclass(frozen=True)
class Written:
    """A query in PostgreSQL's SQL, and its columns."""

    sql: str
    fields: tuple[Field, ...]


class Selects:
    """Writes queries.

    Args:
        text: the query, for the places in messages.
        table: finds a table by schema and name; None where there is none.
        names: the full names of all tables, for messages.
    """

    def __init__(self, text: str, table: Callable[[str, str], ServedTable | None], names: tuple[str, ...]) -> None:
        self._text = text
        self._table = table
        self._names = names
        self._common: Common = {}
        self._commons = 0
        self._sources = 0
        self._expressions = Expressions(text, self._inner)

    def query(self, node: exp.Expr, outer: Scope | None = None) -> Written:
        """Return a query; names that it does not know itself are looked for in `outer`."""
        if isinstance(node, exp.Subquery):
            if any(node.args.get(part) for part in ("alias", "with_", "joins")):
                raise self._error(node, "a whole query in parentheses has no name, and is not joined")
            return self.query(node.this, outer)
        kept = self._common
        try:
            heading = self._with(node.args.get("with_"), outer)
            if isinstance(node, exp.Select):
                written = self._select(node, outer)
            elif type(node) in _OPERATIONS:
                written = self._operation(node, outer)
            else:
                raise self._error(node, "a query begins with SELECT or WITH")
        finally:
            self._common = kept
        return Written(heading + written.sql, written.fields)

    def _inner(self, node: exp.Expr, scope: Scope) -> tuple[str, tuple[Field, ...]]:
        written = self.query(node, scope)
        return written.sql, written.fields

    def _error(self, node: exp.Expr, problem: str) -> QueryError:
        return places.error(node, problem, self._text)

    def _with(self, node: exp.Expr | None, outer: Scope | None) -> str:
        """Return the common table expressions before a query, which it and those after each of them can name."""
        if node is None:
            return ""
        pieces = []
        given: set[str] = set()
        for one in node.expressions:
            name = checked_name(one.args["alias"].this, self._text)
            if name in given:
                raise self._error(one.args["alias"], f"there are two queries {name!r} after WITH")
            given.add(name)
            written = self.query(one.this, outer)
            fields = self._renamed(written.fields, one.args["alias"])
            columns = ", ".join(quoted(column.name) for column in fields)
            self._commons += 1
            called = quoted(f"with {self._commons}")
            pieces.append(f"{called} ({columns}) AS ({written.sql})")
            self._common = {**self._common, name: (called, fields)}
        return f"WITH {', '.join(pieces)} "

    def _renamed(self, fields: tuple[Field, ...], alias: exp.Expr | None) -> tuple[Field, ...]:
        if alias is None:
            return fields
        names = [checked_name(column, self._text) for column in alias.args.get("columns") or ()]
        if names and len(names) != len(fields):
            raise self._error(alias, f"{len(names)} names are given to {len(fields)} columns")
        return (
            tuple(replace(column, name=name) for column, name in zip(fields, names, strict=True)) if names else fields
        )

    def _operation(self, node: exp.Expr, outer: Scope | None) -> Written:
        left, right = self.query(node.this, outer), self.query(node.expression, outer)
        if len(left.fields) != len(right.fields):
            problem = f"both sides need as many columns, they have {len(left.fields)} and {len(right.fields)}"
            raise self._error(node, problem)
        every = "" if node.args.get("distinct") else " ALL"
        fields = tuple(_common(one, other) for one, other in zip(left.fields, right.fields, strict=True))
        sql = f"({left.sql}) {_OPERATIONS[type(node)]}{every} ({right.sql})"
        scope = Scope(self._text)
        return Written(sql + self._ending(node, scope, fields, whole=True), fields)

    def _select(self, node: exp.Select, outer: Scope | None) -> Written:
        scope = Scope(self._text, outer)
        source = self._from(node, scope)
        values = self._values(node, scope)
        fields = tuple(_fields(values))
        columns = ", ".join(f"{value.sql} AS {quoted(one.name)}" for value, one in zip(values, fields, strict=True))
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.expressions:
            raise self._error(node, "SELECT DISTINCT has no ON")
        pieces = [f"SELECT {'DISTINCT ' if distinct is not None else ''}{columns}{source}"]
        pieces += self._filters(node, scope, fields)
        return Written("".join(pieces) + self._ending(node, scope, fields), fields)

    def _values(self, node: exp.Select, scope: Scope) -> list[Value]:
        """Return the columns of an answer, not more than a row may have, nor longer texts."""
        values: list[Value] = []
        for item in node.expressions:
            values += self._items(item, scope)
            if len(values) > MOST_COLUMNS:
                raise self._error(item, f"a query has at most {MOST_COLUMNS:,} columns")
        if not values:
            raise self._error(node, "SELECT is followed by columns")
        if sum(value.longest for value in values if value.datatype is None or value.datatype.textual) > LONGEST_ROW:
            raise self._error(node, f"the texts of a row have at most {LONGEST_ROW:,} characters")
        return values

    def _items(self, node: exp.Expr, scope: Scope) -> Iterator[Value]:
        """Yield the columns that one item after SELECT stands for."""
        if isinstance(node, exp.Star):
            yield from self._not_empty(node, list(scope.everything()))
        elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            yield from self._not_empty(node, self._all_of(node, scope))
        elif isinstance(node, exp.Alias):
            found = self._expressions.item(node.this, scope)
            yield replace(found, name=checked_name(node.args["alias"], self._text))
        else:
            found = self._expressions.item(node, scope)
            yield found if found.name or not found.field else replace(found, name=found.field.name)

    def _all_of(self, node: exp.Column, scope: Scope) -> list[Value]:
        relations = scope.named(node.args["table"], node.args.get("db"))
        return [relation.value(column) for relation in relations for column in relation.fields]

    def _not_empty(self, node: exp.Expr, values: list[Value]) -> list[Value]:
        if not values:
            raise self._error(node, "* needs a table after FROM that it is about")
        return [replace(value, name=value.field.name if value.field else None) for value in values]

    def _filters(self, node: exp.Select, scope: Scope, fields: tuple[Field, ...]) -> Iterator[str]:
        if node.args.get("where"):
            yield f" WHERE {self._expressions.condition(node.args['where'].this, scope)}"
        if node.args.get("group"):
            keys = [self._key(item, scope, fields) for item in node.args["group"].expressions]
            yield f" GROUP BY {', '.join(keys)}"
        if node.args.get("having"):
            yield f" HAVING {self._expressions.condition(node.args['having'].this, scope)}"

    def _key(self, node: exp.Expr, scope: Scope, fields: tuple[Field, ...], *, names_first: bool = False) -> str:
        """Return what rows are grouped or ordered by: a column of the answer by number or name, or an expression.

        Where a name is both a column of the answer and one of a table, grouping takes the table's, ordering the
        answer's, as in SQL.
        """
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
            if not 1 <= int(node.this[:9]) <= len(fields):
                raise self._error(node, f"there are columns 1 to {len(fields)}, got {node.this}")
            return str(int(node.this))
        named = self._of_answer(node, fields)
        if named is not None and (names_first or not scope.knows(node)):
            return str(named)
        return self._expressions.value(node, scope).sql

    def _of_answer(self, node: exp.Expr, fields: tuple[Field, ...]) -> int | None:
        """Return the number of the column of the answer that a bare name means, if it is one."""
        if not isinstance(node, exp.Column) or node.args.get("table") or not isinstance(node.this, exp.Identifier):
            return None
        found = [place for place, column in enumerate(fields, start=1) if same(node.this, column.name)]
        return found[0] if found else None

    def _ending(self, node: exp.Expr, scope: Scope, fields: tuple[Field, ...], *, whole: bool = False) -> str:
        """Return ORDER BY, LIMIT and OFFSET; rows of a set operation (`whole`) have only the answer's columns."""
        pieces = []
        if node.args.get("order"):
            keys = []
            for item in node.args["order"].expressions:
                if whole and self._of_answer(item.this, fields) is None and not isinstance(item.this, exp.Literal):
                    raise self._error(
                        item, "after UNION, EXCEPT or INTERSECT rows are ordered by a column of the answer"
                    )
                key = self._key(item.this, scope, fields, names_first=True)
                keys.append(f"{key} DESC" if item.args.get("desc") else key)
            pieces.append(f" ORDER BY {', '.join(keys)}")
        for part, word in (("limit", "LIMIT"), ("offset", "OFFSET")):
            if node.args.get(part):
                pieces.append(f" {word} {self._count(node.args[part].expression, word)}")
        return "".join(pieces)

    def _count(self, node: exp.Expr | None, word: str) -> int:
        if not isinstance(node, exp.Literal) or node.is_string or not node.this.isdigit() or len(node.this) > 18:
            written = "TOP" if word == "LIMIT" else word
            problem = f"{written} is followed by a number of rows"
            raise QueryError(problem) if node is None else self._error(node, problem)
        return int(node.this)

    def _from(self, node: exp.Select, scope: Scope) -> str:
        start = node.args.get("from_")
        if start is None:
            if node.args.get("joins"):
                raise self._error(node.args["joins"][0], "JOIN stands after FROM and a table")
            return ""
        pieces = [f" FROM {self._source(start.this, scope)}"]
        pieces += [self._join(join, scope) for join in node.args.get("joins") or ()]
        return "".join(pieces)

    def _source(self, node: exp.Expr, scope: Scope) -> str:
        """Return a table, query or join in parentheses after FROM, and let its columns be seen."""
        joins = node.args.get("joins") or ()
        inner, named = node.this, node.args.get("alias") or node.args.get("with_")
        if isinstance(node, exp.Subquery) and isinstance(inner, exp.Table if named else exp.Table | exp.Subquery):
            if named:
                raise self._error(node, "a join in parentheses has no name")
            first = self._source(inner, scope)
        else:
            first = self._single_source(node, scope)
        return f"({first}{''.join(self._join(join, scope) for join in joins)})" if joins else first

    def _single_source(self, node: exp.Expr, scope: Scope) -> str:
        alias = node.args.get("alias")
        name = checked_name(alias.this, self._text) if alias is not None and alias.this is not None else None
        if isinstance(node, exp.Subquery) and not node.args.get("with_"):
            if name is None:
                raise self._error(node, "a query after FROM has a name: (SELECT ...) AS name")
            # A query after FROM sees the names around the whole SELECT, not those of its neighbours.
            written = self.query(node.this, scope.outer)
            relation = Relation(name, self._renamed(written.fields, alias))
            source = f"({written.sql})"
        elif isinstance(node, exp.Table):
            relation, source = self._named_table(node, name)
            relation = replace(relation, fields=self._renamed(relation.fields, alias))
        else:
            raise self._error(node, "after FROM stand tables, queries in parentheses and joins of them")
        scope.add(relation, node)
        self._sources += 1
        if self._sources > MOST_SOURCES:
            raise self._error(node, f"more than {MOST_SOURCES} tables are read")
        columns = ", ".join(quoted(column.name) for column in relation.fields)
        return f"{source} AS {quoted(relation.alias)} ({columns})"

    def _named_table(self, node: exp.Table, alias: str | None) -> tuple[Relation, str]:
        if not isinstance(node.this, exp.Identifier):
            raise self._error(node, "after FROM stand tables, queries in parentheses and joins of them")
        schema = node.args.get("db")
        if schema is None:
            for name, (called, fields) in self._common.items():
                if same(node.this, name):
                    return Relation(alias or name, fields), called
        full_name = node.name if schema is None else f"{schema.name}.{node.name}"
        found = None if schema is None else self._table(_written(schema), _written(node.this))
        if found is None:
            raise self._error(
                node, f"there is no table {full_name!r}{closest(full_name, (*self._names, *self._common))}"
            )
        return Relation(alias or found.name, found.fields, None if alias else found.schema), f"({found.source})"

    def _join(self, node: exp.Join, scope: Scope) -> str:
        kind, side, method = ((node.args.get(part) or "").upper() for part in ("kind", "side", "method"))
        on, using = node.args.get("on"), node.args.get("using") or []
        before = dict.fromkeys(column.name for relation in scope.relations for column in relation.fields)
        known = len(scope.relations)
        source = self._source(node.this, scope)
        new = dict.fromkeys(column.name for relation in scope.relations[known:] for column in relation.fields)
        if kind == "CROSS":
            if side or method or on or using:
                raise self._error(node, "CROSS JOIN has no condition")
            return f" CROSS JOIN {source}"
        if kind not in {"", "INNER", "OUTER"} or method not in {"", "NATURAL"} or side not in _SIDES:
            raise self._error(node, f"{method} {side} {kind} JOIN is not part of ADQL".replace("  ", " "))
        if method:
            scope.merge(name for name in before if name in new)
            return f" NATURAL {_SIDES[side]} JOIN {source}"
        if using:
            return f" {_SIDES[side]} JOIN {source} USING ({self._using(using, scope, before, new)})"
        if on is None:
            raise self._error(node, "JOIN has a condition: ON ..., or USING (...)")
        return f" {_SIDES[side]} JOIN {source} ON {self._expressions.condition(on, scope)}"

    def _using(self, using: list[exp.Expr], scope: Scope, before: Container[str], new: Iterable[str]) -> str:
        names = []
        for column in using:
            written = column if isinstance(column, exp.Identifier) else column.this
            found = [name for name in new if same(written, name) and name in before]
            if not found:
                raise self._error(column, f"{column.name!r} is not a column of both sides")
            names.append(found[0])
        scope.merge(names)
        return ", ".join(map(quoted, names))


def _written(name: exp.Expr) -> str:
    """Return a table's name as it is looked up: small letters, unless it is quoted."""
    return str(name.name if name.args.get("quoted") else name.name.lower())


def _fields(values: list[Value]) -> Iterator[Field]:
    """Yield the columns of an answer; of several with one name, the later ones get a number."""
    taken: set[str] = set()
    for place, value in enumerate(values, start=1):
        wanted = value.name or f"col_{place}"
        name, number = wanted, 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted[:50]}_{number}"
        taken.add(name.lower())
        if value.field is not None:
            yield replace(value.field, name=name)
        else:
            yield Field(name, value.datatype, value.unit, xtype=value.xtype, longest=value.longest)


def _common(one: Field, other: Field) -> Field:
    """Return what is known of a column that comes from two: what the first says of itself, as ADQL 2.1 asks."""
    datatype = one.datatype if one.datatype == other.datatype else None
    if Datatype.UNICODE in {one.datatype, other.datatype}:
        datatype = Datatype.UNICODE
    xtype = one.xtype if one.xtype == other.xtype else None
    indexed = one.indexed and other.indexed
    return replace(one, datatype=datatype, xtype=xtype, indexed=indexed, longest=max(one.longest, other.longest))
