"""ADQL to PostgreSQL: the one call that the rest of the service needs."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.errors import QueryError
from app.domain.fields import ServedTable
from app.vo.adql.dialect import parse
from app.vo.adql.nodes import check
from app.vo.adql.selects import Selects, Written

TOO_DEEP = "the query is nested too deeply"


def translate(text: str, tables: Iterable[ServedTable]) -> Written:
    """Return a query as PostgreSQL reads it, with what is known of each column of its answer.

    Nothing of the text is passed on but names of tables and columns that exist, numbers, quoted texts and quoted names
    that the query gives itself; all else is written anew.

    Raises:
        QueryError: it is no ADQL, or names what does not exist; with place and what would be right.
    """
    by_name = {(table.schema, table.name): table for table in tables}
    names = tuple(table.full_name for table in by_name.values())
    try:
        tree = parse(text)
        check(tree, text)
        return Selects(text, lambda schema, name: by_name.get((schema, name)), names).query(tree)
    except RecursionError:
        raise QueryError(TOO_DEEP) from None
