"""Which names a part of a query can see, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import chain

from sqlglot import exp

from app.domain.fields import Field
from app.vo.adql.places import error
from app.vo.adql.values import Value, of_column, quoted

LONGEST_NAME_BYTES = 63  # PostgreSQL cuts longer names
MOST_NAMES = 50  # in a message


@dataclass(frozen=True)
class Relation:
    """A table, a query or a common table expression after FROM; `schema` only where it has no other alias."""

    alias: str
    fields: tuple[Field, ...]
    schema: str | None = None

    def value(self, column: Field) -> Value:
        """Return a column as an expression."""
        return of_column(f"{quoted(self.alias)}.{quoted(column.name)}", column)

    @cached_property
    def _by_small(self) -> dict[str, list[Field]]:
        found: dict[str, list[Field]] = {}
        for column in self.fields:
            found.setdefault(column.name.lower(), []).append(column)
        return found

    def named(self, name: exp.Identifier) -> list[Value]:
        """Return the columns that a name means, as expressions."""
        return [self.value(one) for one in self._by_small.get(name.name.lower(), ()) if same(name, one.name)]


@dataclass
class Scope:
    """The relations of one SELECT, in order; `merged` are columns that USING or NATURAL made one of two, by small name.

    A subquery sees the names of the query around it (`outer`) where its own do not hide them.
    """

    text: str
    outer: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    merged: dict[str, list[Field]] = field(default_factory=dict)

    def add(self, relation: Relation, node: exp.Expr) -> None:
        """Let a relation be seen.

        Raises:
            QueryError: another one has its name.
        """
        if any(relation.alias == other.alias for other in self.relations):
            raise error(
                node, f"there are two tables {relation.alias!r}: give one of them another name by AS", self.text
            )
        self.relations.append(relation)

    def merge(self, names: Iterable[str]) -> None:
        """Make one column of the two that have such a name on either side of a join."""
        here = {column.name for column in self._merged()}
        known = {column.name: column for relation in self.relations for column in relation.fields}
        for name in names:
            if name not in here:
                self.merged.setdefault(name.lower(), []).append(known[name])

    def _merged(self) -> Iterator[Field]:
        return chain.from_iterable(self.merged.values())

    def column(self, node: exp.Column) -> Value:
        """Return what a column's name stands for.

        Raises:
            QueryError: it stands for nothing, or for several columns.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.find(node)
            if len(found) > 1:
                problem = f"{node.name!r} is a column of several tables: write the table before it"
                raise error(node, problem, self.text)
            if found:
                return found[0]
            scope = scope.outer
        raise error(node, self._unknown(node), self.text)

    def knows(self, node: exp.Expr) -> bool:
        """Say whether a bare name is a column of these relations."""
        return isinstance(node, exp.Column) and bool(self.find(node))

    def everything(self) -> Iterator[Value]:
        """Yield what `*` stands for."""
        yield from (of_column(quoted(column.name), column) for column in self._merged())
        names = {column.name for column in self._merged()}
        for relation in self.relations:
            yield from (relation.value(column) for column in relation.fields if column.name not in names)

    def named(self, table: exp.Identifier, schema: exp.Expr | None) -> list[Relation]:
        """Return the relations of this name."""
        return [
            relation
            for relation in self.relations
            if same(table, relation.alias)
            and (schema is None or (isinstance(schema, exp.Identifier) and same(schema, relation.schema or "")))
        ]

    def find(self, node: exp.Column) -> list[Value]:
        """Return the columns of these relations that a name can mean."""
        name = node.this
        assert isinstance(name, exp.Identifier)
        table = node.args.get("table")
        if table is None:
            merged = self.merged.get(name.name.lower(), ())
            found = [of_column(quoted(one.name), one) for one in merged if same(name, one.name)]
            if found:
                return found
        relations = self.relations if table is None else self.named(table, node.args.get("db"))
        return [found for relation in relations for found in relation.named(name)]

    def _unknown(self, node: exp.Column) -> str:
        table = node.args.get("table")
        relations = self.relations if table is None else self.named(table, node.args.get("db"))
        if table is not None and not relations:
            known = ", ".join(relation.alias for relation in self.relations) or "none"
            return f"there is no table {table.name!r} after FROM; there are {known}"
        names = [column.name for relation in relations for column in relation.fields]
        return f"there is no column {node.name!r}{closest(node.name, names)}"


def same(written: exp.Identifier, name: str) -> bool:
    """Say whether a name in a query means this one: without quotes, capitals do not count."""
    if written.args.get("quoted"):
        return bool(written.name == name)
    return bool(written.name.lower() == name.lower())


def closest(name: str, names: Iterable[str]) -> str:
    """Return the end of a message: which names are meant, or which there are."""
    known = list(dict.fromkeys(names))
    by_small = {one.lower(): one for one in known}
    likely = get_close_matches(name.lower(), by_small, n=3)
    if likely:
        return f": {' or '.join(repr(by_small[one]) for one in likely)}?"
    more = ", ..." if len(known) > MOST_NAMES else ""
    return f"; there are {', '.join(known[:MOST_NAMES])}{more}" if known else ""


def checked_name(node: exp.Expr, text: str) -> str:
    """Return a name that a query gives.

    Raises:
        QueryError: it is empty or longer than the database takes.
    """
    name = node.name
    if not name or len(name.encode()) > LONGEST_NAME_BYTES:
        raise error(node, f"a name has from 1 to {LONGEST_NAME_BYTES} bytes, got {name!r}", text)
    return name
