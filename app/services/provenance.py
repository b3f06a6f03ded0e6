"""Where numbers come from, as PROV-JSON."""

from __future__ import annotations

from typing import Any

from app.domain.homogenized import HomogenizedStar
from app.domain.star_provenance import provenance_of_star
from app.domain.version_provenance import provenance_of_version
from app.services.versions import numbered
from app.storage import provenance
from app.storage.engine import Database


class Provenance:
    """The way of a number back to survey rows, files, models, plan and code."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_version(self, version: int | None) -> tuple[int, dict[str, Any]]:
        """Return the number of a version in whatever state, the published one for None, and its provenance.

        Raises:
            UnknownVersionError: there is no such version.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            number = numbered(connection, version)
            return number, provenance_of_version(provenance.record_of(connection, number))

    def of_star(self, star: HomogenizedStar) -> dict[str, Any]:
        """Return the provenance of a star's values in the version that it was read from."""
        with self._database.connect() as connection:
            return provenance_of_star(star, provenance.record_of(connection, star.version))
