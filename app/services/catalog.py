"""What may be asked of the homogenized catalogue, a star or a cone at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.catalog import Page, Rows
from app.domain.errors import UnknownStarError, UnknownSurveyError
from app.domain.homogenized import HomogenizedStar
from app.domain.sky import Cone
from app.domain.stars import StarId, SurveyObject
from app.services.versions import insist_readable, not_published
from app.storage.catalog import CatalogReader, Reading

Answer = TypeVar("Answer")


class Catalog:
    """Stars of the published version, or of another that is kept; every answer is wholly of one version."""

    def __init__(self, reader: CatalogReader) -> None:
        self._reader = reader
        self._current: int | None = None

    async def star(self, star: StarId, version: int | None = None) -> HomogenizedStar:
        """Return a star with everything that its values were made of.

        Raises:
            UnknownStarError: the version has no such star.
            UnknownSurveyError: the star is named by an object of a survey that does not exist.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        number, found = await self._read(version, lambda number: self._reader.star(number, star))
        if found is not None:
            return found
        if isinstance(star, SurveyObject) and not await self._reader.knows_survey(star.survey):
            raise UnknownSurveyError(f"there is no survey {star.survey!r}, so no star {star}; /v1/surveys lists them")
        raise UnknownStarError(f"version {number} has no star {star}")

    async def cone(self, cone: Cone, page: Page, version: int | None = None) -> Rows:
        """Return a page of the stars in a cone, nearest first.

        Raises:
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        _, rows = await self._read(version, lambda number: self._reader.cone(number, cone, page))
        assert rows is not None, "a complete version has its table"
        return rows

    async def _read(self, asked: int | None, read: Callable[[int], Awaitable[Reading[Answer]]]) -> tuple[int, Answer]:
        """Read from the version asked for, or from the published one, and return its number with the answer.

        The published version is not looked up first: the statement runs on the one that was published when last seen,
        and once more where it says that another one is by now. That one was published while this request was under
        way, so its answer is right whatever is published meanwhile.
        """
        version = asked or self._current
        if version is not None:
            reading = await read(version)
            self._current = reading.current
            if version == (asked or reading.current):
                return _checked(version, reading)
        version = self._current or (await self._reader.served(0)).current
        if version is None:
            raise not_published()
        reading = await read(version)
        self._current = reading.current
        return _checked(version, reading)


def _checked(version: int, reading: Reading[Answer]) -> tuple[int, Answer]:
    insist_readable(version, reading.state)
    return version, reading.answer
