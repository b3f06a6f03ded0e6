"""Stars by lists of identifiers: every identifier is answered, by a star or by why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.domain.columns import Column
from app.domain.errors import ParameterError
from app.domain.stars import StarId, SurveyObject, parse_star_id
from app.services.versions import resolve
from app.storage import star_lists
from app.storage.engine import Database, driver_connection, translated_errors


@dataclass(frozen=True)
class UnknownId:
    """An identifier that names no star: its place in the list, from 0, and why."""

    place: int
    id: str
    detail: str


@dataclass(frozen=True)
class StarList:
    """The answer to a list.

    Attributes:
        version: of all stars.
        json: a JSON array of the stars found, in the order of the list, one for each time that it is named.
        count: its length.
        unknown: the identifiers without a star, in the order of the list.
    """

    version: int
    json: bytes
    count: int
    unknown: tuple[UnknownId, ...]


class StarLists:
    """Many stars at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, ids: Sequence[str], columns: tuple[Column, ...], version: int | None = None) -> StarList:
        """Return the stars that a list of identifiers names.

        Raises:
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        asked: dict[int, StarId] = {}
        unreadable: dict[int, str] = {}
        for place, text in enumerate(ids):
            try:
                asked[place] = parse_star_id(text)
            except ParameterError as error:
                unreadable[place] = error.problem
        with self._database.connect() as connection, translated_errors():
            number = resolve(connection, version)
            driver = driver_connection(connection)
            found = star_lists.rows(driver, number, columns, ids, asked)
            missing = asked.keys() - {place for place, _ in found}
            surveys = star_lists.survey_names(driver) if missing else set()
        reasons = unreadable | {place: _reason(asked[place], surveys, number) for place in missing}
        lines = ",".join(line for _, line in found)
        return StarList(number, f"[{lines}]".encode(), len(found), tuple(_unknown(ids, reasons)))


def _reason(star: StarId, surveys: set[str], version: int) -> str:
    if isinstance(star, SurveyObject) and star.survey not in surveys:
        return f"there is no survey {star.survey!r}, so no star {star}; /v1/surveys lists them"
    return f"version {version} has no star {star}"


def _unknown(ids: Sequence[str], reasons: Mapping[int, str]) -> Iterator[UnknownId]:
    for place in sorted(reasons):
        yield UnknownId(place, ids[place], reasons[place])
