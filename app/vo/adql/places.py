"""Where in the text of a query a word stands: line and column, counted from 1."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from app.domain.errors import QueryError


def at(token: Token, text: str) -> tuple[int, int]:
    """Return the place where a word begins."""
    return of_offset(text, token.start)


def of_offset(text: str, offset: int) -> tuple[int, int]:
    """Return the place of a character by its number, counted from 0."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def error(node: exp.Expr, problem: str, text: str) -> QueryError:
    """Return the error about a part of a query, at the first of its words whose place is known."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return QueryError(problem, *of_offset(text, min(starts))) if starts else QueryError(problem)
