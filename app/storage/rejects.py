"""Rows that could not become measurements."""

from __future__ import annotations

from app.domain.catalog import Page, Rows
from app.storage import paging
from app.storage.queries import queries
from app.storage.reading import Connection
from app.storage.statements import composed

_QUERIES = queries("rejects")


def page(connection: Connection, survey_id: int, wanted: Page, version: int | None) -> Rows:
    """Return a page of a survey's rejected rows, by file and place in it.

    Raises:
        ParameterError: the token of the page is not one of this call.
    """
    ingestion, row_number = paging.numbers(wanted.after, 2)
    parameters = {"survey_id": survey_id, "limit": wanted.limit, "after_ingestion": ingestion, "after_row": row_number}
    statement = composed("rejects", "page", original=composed("rejects", "readable_original"))
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    lines, n, *last = row
    following = paging.token(*last) if n > wanted.limit else None
    return Rows(version, f"[{lines or ''}]".encode(), min(n, wanted.limit), following)
