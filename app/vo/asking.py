"""From the text of a query to the pieces of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.domain.fields import Field
from app.services.queries import Queries, Tables
from app.services.traffic import counted
from app.storage.user_queries import Upload
from app.vo.adql.translate import translate
from app.vo.answers import Pieces
from app.vo.formats import OutputFormat
from app.vo.limits import Limited
from app.vo.tap_schema import with_schema
from app.vo.votable import Facts


@dataclass(frozen=True)
class Question:
    """A query in ADQL with the tables that came with it, how many rows are wanted, and in which form.

    Attributes:
        text: the query.
        most: rows at most.
        form: of the answer.
        uploads: tables that came with it.
        cut: whether an answer may end there; else more rows are an error.
    """

    text: str
    most: int
    form: OutputFormat
    uploads: Sequence[Upload] = ()
    cut: bool = True

    def translated(self, tables: Tables) -> tuple[str, tuple[Field, ...]]:
        """Return the query in PostgreSQL's SQL, and its columns.

        Raises:
            QueryError: it is no ADQL, or names what does not exist.
        """
        written = translate(self.text, with_schema(tables))
        return written.sql, written.fields


@contextmanager
def pieces(
    queries: Queries,
    question: Question,
    *,
    seconds: float,
    describe: Callable[[tuple[Field, ...]], tuple[Field, ...]] = lambda fields: fields,
    started: Callable[[str], None] = lambda _: None,
) -> Iterator[Pieces]:
    """Open the answer to a question, piece by piece.

    Args:
        queries: who answers.
        question: what is asked.
        seconds: how long the server may work on it.
        describe: what is to be said of the columns, given what is known of them.
        started: is told the name of the transaction before the query begins.
    """
    with queries.answer(
        question.translated, question.uploads, limit=question.most + 1, seconds=seconds, started=started
    ) as result:
        rows = Limited(result.blocks, question.most, cut=question.cut)
        written = question.form.write(describe(result.fields), rows, Facts(result.version))
        yield Pieces(result.version, counted(written, question.form.name, lambda: rows.taken))
