"""What may be asked about the surveys that are in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import Connection

from app.domain.catalog import Page, Rows
from app.domain.pixels import PixelSet
from app.domain.surveys import Ingestion, Survey
from app.services.versions import resolve
from app.storage import overlaps, rejects, surveys, versions
from app.storage.engine import Database, driver_connection

MOST_COVERAGES = 64


@dataclass(frozen=True)
class SurveyCounts:
    """A survey, and how many stars of a version it measured; None before the first version."""

    survey: Survey
    n_stars: int | None


@dataclass(frozen=True)
class SurveyDetails:
    """A survey with its files and its stars in common with each other survey, None before the first version."""

    counts: SurveyCounts
    overlaps: dict[str, int] | None
    ingestions: tuple[Ingestion, ...]


class Surveys:
    """What is in, as it stands now, with overlaps as a version sees them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._common: dict[int, Counter[tuple[int, int]]] = {}
        self._coverage: dict[tuple[int, int, int], PixelSet] = {}
        self._lock = Lock()

    def contents(self) -> list[Survey]:
        """Return every survey by name, without counting stars."""
        with self._database.connect() as connection:
            return surveys.list_all(connection)

    def list_all(self, version: int | None = None) -> tuple[int | None, list[SurveyCounts]]:
        """Return every survey by name, and the version whose stars are counted.

        Raises:
            UnknownVersionError: the version does not exist or is not complete.
        """
        with self._database.connect() as connection:
            number = _version(connection, version)
            common = self._common_stars(connection, number)
            return number, [_counts(survey, common) for survey in surveys.list_all(connection)]

    def get(self, name: str, version: int | None = None) -> tuple[int | None, SurveyDetails]:
        """Return a survey, and the version whose stars are counted.

        Raises:
            UnknownSurveyError: there is no such survey.
            UnknownVersionError: the version does not exist or is not complete.
        """
        with self._database.connect() as connection:
            survey = surveys.get(connection, name)
            number = _version(connection, version)
            common = self._common_stars(connection, number)
            others = [other for other in surveys.list_all(connection) if other.survey_id != survey.survey_id]
            shared = {other.name: common[survey.survey_id, other.survey_id] for other in others} if common else None
            ingestions = tuple(surveys.ingestions(connection, name))
            return number, SurveyDetails(_counts(survey, common), shared, ingestions)

    def coverage(self, name: str, order: int, version: int | None = None) -> tuple[int, PixelSet]:
        """Return where a survey has stars of a version, in pixels of an order; found once, for a version never changes.

        Raises:
            UnknownSurveyError: there is no such survey.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        with self._database.connect() as connection:
            survey_id = surveys.get(connection, name).survey_id
            number = resolve(connection, version)
            known = self._coverage.get((number, survey_id, order))
            if known is None:
                cells = overlaps.pixels(driver_connection(connection), number, survey_id, order)
                known = PixelSet.of_order(order, cells)
                if len(self._coverage) >= MOST_COVERAGES:
                    self._coverage.clear()
                self._coverage[number, survey_id, order] = known
            return number, known

    def rejects(self, name: str, page: Page, version: int | None = None) -> Rows:
        """Return a page of the rows that could not become measurements, by file and place in it.

        Raises:
            UnknownSurveyError: there is no such survey.
            UnknownVersionError: the version does not exist or is not complete.
        """
        with self._database.connect() as connection:
            survey = surveys.get(connection, name)
            number = _version(connection, version)
            return rejects.page(driver_connection(connection), survey.survey_id, page, number)

    def _common_stars(self, connection: Connection, version: int | None) -> Counter[tuple[int, int]] | None:
        """Return how many stars of a version the surveys share; counted once, for a version never changes."""
        if version is None:
            return None
        with self._lock:
            if version not in self._common:
                self._common[version] = overlaps.common_stars(driver_connection(connection), version)
            return self._common[version]


def _counts(survey: Survey, common: Counter[tuple[int, int]] | None) -> SurveyCounts:
    return SurveyCounts(survey, None if common is None else common[survey.survey_id, survey.survey_id])


def _version(connection: Connection, asked: int | None) -> int | None:
    """Return the version asked for, else the published one; what is in can be seen before the first."""
    return versions.current(connection) if asked is None else resolve(connection, asked)
