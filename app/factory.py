"""The services of one process, and the connections that they share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.services.catalog import Catalog
from app.services.downloads import Downloads
from app.services.health import Health
from app.services.queries import Queries
from app.services.surveys import Surveys
from app.services.tap_jobs import TapJobs
from app.services.versions import Versions
from app.storage.catalog import CatalogReader
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, PATIENCE_S, SHORT_OPTIONS, Reader

if TYPE_CHECKING:
    from app.services.diffs import Diffs

FILE_PATIENCE_S = 5.0
TAP_THREADS = 2


class Factory:
    """Makes services on shared connections.

    Args:
        url: the database.
        pool_size: connections for short reads of either kind.
        stream_pool_size: connections for files on their way out.
        state: folder for what users leave here for a while.
        public_url: address under which users see the service, where it differs from the one that requests name.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        stream_pool_size: int = 4,
        state: Path = Path(".sos"),
        public_url: str | None = None,
    ) -> None:
        self.public_url = public_url.rstrip("/") if public_url else None
        self._reader = Reader(url, size=pool_size)
        self._pages = Database(url, options=SHORT_OPTIONS, size=pool_size, patience_s=PATIENCE_S)
        self._files = Database(url, options=LONG_OPTIONS, size=stream_pool_size, patience_s=FILE_PATIENCE_S)
        self._own_queries = Database(url, options=LONG_OPTIONS, size=stream_pool_size, patience_s=FILE_PATIENCE_S)
        self._tap_jobs = TapJobs(Database(url, size=TAP_THREADS + 1), state / "tap", threads=TAP_THREADS)
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
        self._tap_jobs.close()
        self._own_queries.dispose()

    def catalog(self) -> Catalog:
        """Stars, one by one and in cones."""
        return self._catalog

    def downloads(self) -> Downloads:
        """Pages and files of whole tables."""
        return Downloads(self._pages, self._files)

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

    def queries(self) -> Queries:
        """What users ask in a language of their own."""
        return Queries(self._own_queries)

    def tap_jobs(self) -> TapJobs:
        """Queries that users left to run."""
        return self._tap_jobs

    def health(self) -> Health:
        """Whether the service can do its work."""
        return Health(self._pages)
