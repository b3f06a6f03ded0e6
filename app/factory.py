"""The services of one process, and the connections that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from app.services.catalog import Catalog
from app.services.downloads import Downloads
from app.services.health import Health
from app.services.star_lists import StarLists
from app.services.surveys import Surveys
from app.services.versions import Versions
from app.storage.catalog import CatalogReader
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, PATIENCE_S, SHORT_OPTIONS, Reader

if TYPE_CHECKING:
    from app.services.diffs import Diffs
    from app.services.matches import Matches

FILE_PATIENCE_S = 5.0


class Factory:
    """Makes services on shared connections.

    Args:
        url: the database.
        pool_size: connections for short reads of either kind.
        stream_pool_size: connections for files on their way out.
        public_url: address under which users see the service, where it differs from the one that requests name.
    """

    def __init__(
        self, url: str, *, pool_size: int = 8, stream_pool_size: int = 4, public_url: str | None = None
    ) -> None:
        self.public_url = public_url.rstrip("/") if public_url else None
        self._reader = Reader(url, size=pool_size)
        self._pages = Database(url, options=SHORT_OPTIONS, size=pool_size, patience_s=PATIENCE_S)
        self._files = Database(url, options=LONG_OPTIONS, size=stream_pool_size, patience_s=FILE_PATIENCE_S)
        self._catalog = Catalog(CatalogReader(self._reader))
        self._surveys = Surveys(self._pages)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reader.close()
        self.close()

    def close(self) -> None:
        """Close the connections of the services that do not wait for anything."""
        self._pages.dispose()
        self._files.dispose()

    def catalog(self) -> Catalog:
        """Stars, one by one and in cones."""
        return self._catalog

    def downloads(self) -> Downloads:
        """Pages and files of whole tables."""
        return Downloads(self._pages, self._files)

    def star_lists(self) -> StarLists:
        """Stars by lists of identifiers."""
        return StarLists(self._pages)

    def surveys(self) -> Surveys:
        """What is in."""
        return self._surveys

    def versions(self) -> Versions:
        """Calibration versions."""
        return Versions(self._pages)

    def diffs(self) -> Diffs:
        """Two calibration versions side by side."""
        from app.services.diffs import Diffs  # noqa: PLC0415 - brings numba, for which no process should wait at start

        return Diffs(self._files)

    def matches(self) -> Matches:
        """Users' tables joined with the catalogue."""
        from app.pipeline.uploads import read_upload  # noqa: PLC0415 - brings the readers of tables, and astropy
        from app.services.matches import Matches  # noqa: PLC0415 - brings pyarrow

        return Matches(self._files, read_upload)

    def health(self) -> Health:
        """Whether the service can do its work."""
        return Health(self._pages)
