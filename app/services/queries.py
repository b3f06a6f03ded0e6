"""Queries that users wrote themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.domain.fields import Field, ServedTable
from app.services.versions import not_published
from app.storage import user_queries
from app.storage.engine import Database
from app.storage.served_tables import served_tables
from app.storage.user_queries import Upload

if TYPE_CHECKING:
    from app.storage.binary_copy import Tuples

Tables: TypeAlias = tuple[ServedTable, ...]
Translate: TypeAlias = Callable[[Tables], tuple[str, tuple[Field, ...]]]


@dataclass(frozen=True)
class Result:
    """The answer to a query on its way: from which version, which columns, and its rows, each block once."""

    version: int
    fields: tuple[Field, ...]
    blocks: Iterator[Tuples]


class Queries:
    """Answers queries, each wholly of one version and one moment.

    Args:
        database: connections for queries alone; each is kept for as long as an answer takes to send.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tables(self) -> Tables:
        """Return the tables that queries may name, to be described."""
        return served_tables(0)

    @contextmanager
    def answer(
        self,
        translate: Translate,
        uploads: Sequence[Upload] = (),
        *,
        limit: int | None,
        seconds: float,
        started: Callable[[str], None] = lambda _: None,
    ) -> Iterator[Result]:
        """Open the answer to a query, to be read in the block.

        Args:
            translate: turns the query into SQL, given the tables that it may name.
            uploads: tables that come with it.
            limit: rows at most, None for all of them.
            seconds: how long the server may work on it.
            started: is told the name of the transaction before the query begins.

        Raises:
            QueryError: the query is wrong, or takes too long.
            NotPublishedError: no version has been published.
        """
        with user_queries.session(self._database, uploads, seconds=seconds) as session:
            if session.version is None:
                raise not_published()
            query, fields = translate((*served_tables(session.version), *session.tables))
            started(session.backend)
            with session.answer(query, fields, limit=limit) as answer:
                yield Result(session.version, answer.fields, answer.blocks)
