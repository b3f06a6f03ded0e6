"""Users' tables that are homogenized: what is understood of them, how far they are, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from app.domain.errors import ConflictError, NotFoundError
from app.domain.files import FileFormat
from app.domain.user_surveys import Look, UserSurvey, UserSurveyRequest
from app.services.user_looks import look_at
from app.services.versions import resolve
from app.storage import user_surveys
from app.storage.engine import Database

Read: TypeAlias = Callable[[bytes], tuple[pa.Table, str]]


@dataclass(frozen=True)
class HomogenizedFile:
    """The file that comes back."""

    path: Path
    form: FileFormat
    version: int
    rows: int
    size: int
    sha256: str


class UserSurveys:
    """Looks at users' tables.

    Args:
        database: where they are known.
        folder: of their files.
        read: reads an uploaded file into a table and says its format.
    """

    def __init__(self, database: Database, folder: Path, read: Read) -> None:
        self._database = database
        self._folder = folder
        self._read = read

    def look(self, content: bytes, wanted: UserSurveyRequest) -> Look:
        """Return what is understood of a table, before anything is done with it.

        Raises:
            InputError: the file is no table, its columns cannot be told, or no row of it can be used.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        table, came_as = self._read(content)
        with self._database.connect() as connection:
            version = resolve(connection, wanted.version)
        return look_at(content, table, came_as, version, wanted)

    def get(self, token: str) -> UserSurvey:
        """Return a table as it stands.

        Raises:
            NotFoundError: there is no such table, or it is past its time.
        """
        with self._database.connect() as connection:
            return user_surveys.get(connection, token)

    def report(self, token: str) -> tuple[int, dict[str, object]]:
        """Return the version that was used, and the report about a table.

        Raises:
            NotFoundError: there is no such table, or it is past its time.
            ConflictError: it is not homogenized yet, or cannot be.
        """
        found = self.get(token)
        if found.report is None:
            raise _not_there(found)
        return found.look.version, found.report

    def file(self, token: str) -> HomogenizedFile:
        """Return the file that comes back; raises as `report`."""
        found = self.get(token)
        if found.file is None:
            raise _not_there(found)
        kept = found.file
        path = self._folder / token / Path(kept["name"]).name
        if not path.is_file():
            raise NotFoundError("the file is not there any more: send the table again")
        return HomogenizedFile(
            path, FileFormat(kept["format"]), found.look.version, kept["rows"], kept["bytes"], kept["sha256"]
        )


def _not_there(found: UserSurvey) -> ConflictError:
    return ConflictError(f"the table is {found.state}" + (f": {found.reason}" if found.reason else ""))
