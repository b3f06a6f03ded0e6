"""What may be asked about calibration versions, and which of them a read call gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.domain.errors import NotPublishedError, UnknownVersionError
from app.domain.versions import Artifact, Model, Version, VersionState
from app.storage import versions
from app.storage.engine import Database


@dataclass(frozen=True)
class Validation:
    """The validation report of a version, None before `sos validate`, and the names of its figures."""

    version: int
    report: dict[str, Any] | None
    figures: tuple[str, ...]


class Versions:
    """Calibration versions: what they were made from and how good they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self) -> int | None:
        """Return the number of the published version, None before the first."""
        with self._database.connect() as connection:
            return versions.current(connection)

    def list_all(self) -> list[Version]:
        """Return every version, newest first."""
        with self._database.connect() as connection:
            return versions.list_all(connection)

    def get(self, version: int | None) -> Version:
        """Return a version in whatever state, the published one where none is named.

        Raises:
            UnknownVersionError: there is no such version.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            return versions.get(connection, version or _published(connection))

    def models(self, version: int | None) -> tuple[int, list[Model]]:
        """Return a version's number and its models, by survey and parameter.

        Raises:
            UnknownVersionError: there is no such version.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            number = versions.get(connection, version or _published(connection)).version_id
            return number, versions.models(connection, number)

    def validation(self, version: int | None) -> Validation:
        """Return the validation report of a version.

        Raises:
            UnknownVersionError: there is no such version.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            found = versions.get(connection, version or _published(connection))
            figures = versions.figure_names(connection, found.version_id)
            return Validation(found.version_id, found.report, tuple(figures))

    def figure(self, version: int | None, name: str) -> tuple[int, Artifact]:
        """Return a version's number and a figure of its report.

        Raises:
            NotFoundError: there is no such version, or it has no such figure.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            number = versions.get(connection, version or _published(connection)).version_id
            return number, versions.figure(connection, number, name)


def resolve(connection: Connection, asked: int | None) -> int:
    """Return the version to read from: the one asked for where it is complete, else the published one.

    Raises:
        UnknownVersionError: the version does not exist or is not complete.
        NotPublishedError: none is asked for and none has been published.
    """
    if asked is None:
        return _published(connection)
    insist_readable(asked, versions.get(connection, asked).state)
    return asked


def numbered(connection: Connection, asked: int | None) -> int:
    """Return the number of the version asked for, in whatever state, else of the published one.

    Raises:
        NotPublishedError: none is asked for and none has been published.
    """
    return asked or _published(connection)


def insist_readable(version: int, state: VersionState | None) -> None:
    """Refuse a version whose catalogue cannot be served.

    Raises:
        UnknownVersionError: it does not exist (its state is None), or it is not complete.
    """
    if state is None:
        raise UnknownVersionError(f"there is no version {version}; /v1/versions lists them")
    if not state.readable:
        raise UnknownVersionError(f"version {version} is {state}, it has no complete catalogue; see /v1/versions")


def not_published() -> NotPublishedError:
    """Return the error for a service that has nothing to serve yet."""
    return NotPublishedError("no calibration version has been published yet: run `sos publish VERSION`")


def _published(connection: Connection) -> int:
    current = versions.current(connection)
    if current is None:
        raise not_published()
    return current
