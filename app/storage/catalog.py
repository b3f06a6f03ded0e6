"""The homogenized catalogue, a star or a cone at a time: one prepared statement each, one round trip.

A version's own tables stand by name in the statement. With the version as a parameter, or read from `publication` in a
condition, PostgreSQL opens the tables of every kept version each time: 8,000 instead of 28,000 cones per second with
twenty versions. So the caller says which version it believes to be current, and each answer says which one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import Generic, TypeVar

import psycopg
from psycopg import sql

from app.domain.catalog import Page, Rows
from app.domain.columns import CATALOG
from app.domain.homogenized import HomogenizedStar, SurveyFile
from app.domain.sky import Cone
from app.domain.stars import GaiaSource, StarId, StarNumber, SurveyObject
from app.domain.versions import VersionState
from app.storage import paging, sky, star_rows
from app.storage.queries import queries
from app.storage.reading import Reader, Row, Statement
from app.storage.rendering import Rendering, partition, select_list
from app.storage.slices import catalogue_expression
from app.storage.statements import composed

Answer = TypeVar("Answer", covariant=True)  # noqa: PLC0105 - named for what it is
Given = TypeVar("Given")


@dataclass(frozen=True)
class Reading(Generic[Answer]):
    """What one statement saw: the published version, the state of the version that it read, and the answer."""

    current: int | None
    state: VersionState | None
    answer: Answer


class CatalogReader:
    """Reads stars of the versions that are kept."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._models: dict[int, star_rows.Models] = {}
        self._files: dict[int | None, SurveyFile | None] = {None: None}

    async def served(self, version: int) -> Reading[None]:
        """Return which version is published, and the state of this one."""
        rows = await self._reader.rows(_SERVED, {"version": version})
        return _reading(rows[0], None)

    async def star(self, version: int, star: StarId) -> Reading[HomogenizedStar | None]:
        """Return a star with its contributions; the answer is None where the version has no such star."""
        condition, parameters = _condition(star)
        row = await self._row(version, star_statement(version, condition), parameters)
        if row.get("star") is None:
            return _reading(row, None)
        models, files = await self._models_of(version, row), await self._files_of(row)
        return _reading(row, star_rows.star(version, row, models, files))

    async def cone(self, version: int, cone: Cone, page: Page) -> Reading[Rows | None]:
        """Return a page of the stars in a cone, nearest first, ties by number."""
        parameters = {"ra": cone.ra, "dec": cone.dec, "radius": cone.radius, "limit": page.limit} | _after(page)
        beyond = "from_the_start" if page.after is None else "after_star"
        statement = cone_statement(version, beyond, sky.in_cone(cone.radius))
        row = await self._row(version, statement, parameters)
        return _reading(row, _page(version, row, page) if "n" in row else None)

    async def knows_survey(self, name: str) -> bool:
        """Say whether there is a survey of this name."""
        return bool(await self._reader.rows(_SURVEY, {"name": name}))

    async def _row(self, version: int, statement: Statement, parameters: Mapping[str, object]) -> Row:
        """Return the one row of a statement; where the version has no tables, only what is served."""
        own = {"version": version}
        try:
            return (await self._reader.rows(statement, {**parameters, **own}))[0]
        except psycopg.errors.UndefinedTable:
            return (await self._reader.rows(_SERVED, own))[0]

    async def _models_of(self, version: int, row: Row) -> star_rows.Models:
        """Return the models of a version; those of a complete one never change, so they are read once."""
        known = self._models.get(version)
        if known is None:
            rows = await self._reader.rows(_MODELS, {"version": version})
            known = star_rows.models(rows)
            if VersionState(row["state"]).readable:
                self._models[version] = known
        return known

    async def _files_of(self, row: Row) -> star_rows.Files:
        """Return the files of a star's measurements; a number keeps its file for ever, so each is read once."""
        missing = {item["ingestion_id"] for item in row["contributions"] or ()} - self._files.keys()
        if missing:
            numbers = f"{{{','.join(map(str, missing))}}}"
            rows = await self._reader.rows(_FILES, {"numbers": numbers})
            self._files.update(dict.fromkeys(missing) | star_rows.files(rows))
        return self._files


_SERVED, _MODELS, _FILES, _SURVEY = (
    Statement.of(queries("catalog")[name]) for name in ("served", "models", "files", "survey")
)


@lru_cache(maxsize=256)
def star_statement(version: int, condition: str) -> Statement:
    """Return the statement that reads a star of a version, found by one of the conditions `by_...`."""
    parts = {table: partition(table, version) for table in ("homogenized", "calibrated")}
    query = composed("catalog", "star", condition=composed("catalog", condition, **parts), **parts)
    return Statement.of(query.as_string())


@lru_cache(maxsize=256)
def cone_statement(version: int, beyond: str, in_cone: str = sky.IN_CONE) -> Statement:
    """Return the statement that reads a page of a cone of a version: `from_the_start`, or `after_star`."""
    columns = select_list({column: catalogue_expression(column) for column in CATALOG}, Rendering.JSON)
    query = composed(
        "catalog",
        "cone",
        columns=columns,
        homogenized=partition("homogenized", version),
        separation=sql.SQL(sky.SEPARATION_ARCSEC),
        in_cone=sql.SQL(in_cone),
        beyond=composed("catalog", beyond),
    )
    return Statement.of(query.as_string())


def _condition(star: StarId) -> tuple[str, dict[str, object]]:
    """Return the name of the condition that finds a star, and its parameters."""
    match star:
        case StarNumber(number):
            return "by_number", {"number": number}
        case GaiaSource(source_id):
            return "by_gaia", {"number": source_id}
        case SurveyObject(survey, object_id):
            return "by_object", {"survey": survey, "object_id": object_id}


def _reading(row: Row, answer: Given) -> Reading[Given]:
    state = row["state"]
    return Reading(row["current"], None if state is None else VersionState(state), answer)


def _page(version: int, row: Row, page: Page) -> Rows:
    more = row["n"] > page.limit
    following = paging.token(repr(row["last_separation"]), row["last_star"]) if more else None
    return Rows(version, f"[{row['lines'] or ''}]".encode(), min(row["n"], page.limit), following)


def _after(page: Page) -> dict[str, float]:
    """Return the separation in arcseconds and the number of the last star of the page before, if there is one."""
    if page.after is None:
        return {}
    separation, star = paging.place(page.after, 2)
    try:
        distance = float(separation)
    except ValueError:
        distance = nan
    if not distance >= 0:
        raise paging.foreign(page.after)
    return {"after_separation": distance, "after_star": paging.number(star, page.after)}
