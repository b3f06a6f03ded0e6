"""Two versions of the catalogue, star by star: read in blocks, or a page of those that moved farthest."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from app.domain.diffs import MovedPage, MovedStar
from app.domain.quantities import PARAMETERS
from app.storage import bulk, paging
from app.storage.frames import Columns
from app.storage.queries import queries
from app.storage.rendering import partition
from app.storage.statements import composed


def moves(connection: Connection, first: int, second: int) -> Iterator[Columns]:
    """Yield position, values and pulls of the stars that two versions share, in blocks."""
    query = composed("versions", "moves_of_stars", moves=_moves(first, second))
    return bulk.copy_out_blocks(connection, query.as_string())


def moves_by_survey(connection: Connection, first: int, second: int) -> Iterator[Columns]:
    """Yield number of the survey, values and pulls of the same stars, once for each survey of the second version."""
    parts = {"moves": _moves(first, second), "calibrated": partition("calibrated", second)}
    return bulk.copy_out_blocks(connection, composed("versions", "moves_by_survey", **parts).as_string())


def survey_names(connection: Connection) -> dict[int, str]:
    """Return the name of every survey by its number, in the order of names."""
    return {row.survey_id: row.name for row in connection.exec_driver_sql(queries("versions")["survey_names"])}


def moved(
    connection: Connection, first: int, second: int, *, sigma: float, limit: int, after: str | None = None
) -> MovedPage:
    """Return a page of the stars that moved by more than `sigma` errors in some parameter, the farthest first.

    Raises:
        ParameterError: `after` is not the token of a page.
    """
    pull, star = _place(after)
    parameters = {"sigma": sigma, "after_pull": pull, "after_star": star, "limit": limit}
    query = composed("versions", "moved", moves=_moves(first, second))
    rows = connection.exec_driver_sql(query.as_string(), parameters).mappings().all()
    page = [_star(row) for row in rows[:limit]]
    following = paging.token(repr(page[-1].pull), page[-1].star_id) if len(rows) > limit else None
    return MovedPage(tuple(page), following)


def _moves(first: int, second: int) -> sql.Composed:
    return composed("versions", "moves", first=partition("homogenized", first), second=partition("homogenized", second))


def _place(after: str | None) -> tuple[float, int]:
    if after is None:
        return inf, 0
    pull, star = paging.place(after, 2)
    try:
        return float(pull), paging.number(star, after)
    except ValueError:
        raise paging.foreign(after) from None


def _star(row: Any) -> MovedStar:
    values = {p: (row[f"{p}_before"], row[f"{p}_after"]) for p in PARAMETERS}
    return MovedStar(row["star_id"], row["gaia_dr3_source_id"], row["ra"], row["dec"], values, row["pull"])
