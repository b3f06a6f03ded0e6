"""The services of one process, and the connections that they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.domain.errors import UnavailableError
from app.domain.quotas import USUAL_EXPORTS, USUAL_QUERIES, QueryQuota, Quota
from app.services.access import Access
from app.services.audit import Audit
from app.services.catalog import Catalog
from app.services.downloads import Downloads
from app.services.exports import Exports
from app.services.figures import DatabaseFigures
from app.services.health import Health
from app.services.jobs import Jobs
from app.services.provenance import Provenance
from app.services.queries import Queries
from app.services.star_lists import StarLists
from app.services.surveys import Surveys
from app.services.tap_jobs import TapJobs
from app.services.versions import Versions
from app.storage.catalog import CatalogReader
from app.storage.engine import Database
from app.storage.pool_use import PoolUse
from app.storage.reading import LONG_OPTIONS, PATIENCE_S, SHORT_OPTIONS, WATCH_OPTIONS, Reader

if TYPE_CHECKING:
    from app.pipeline.requests import Requests
    from app.pipeline.uploads import Upload
    from app.pipeline.user_requests import UserRequests
    from app.services.conversion import Conversion
    from app.services.diffs import Diffs
    from app.services.matches import Matches
    from app.services.user_surveys import UserSurveys

FILE_PATIENCE_S = 5.0
ADMINISTRATION_SIZE = 4
WATCH_PATIENCE_S = 2


@dataclass(frozen=True)
class Folders:
    """Where files lie that workers and the service share.

    Attributes:
        descriptors: the user's own survey descriptors.
        uploads: survey files that were uploaded.
        exports: files of exports.
        tables: users' tables that are homogenized.
        catalogues: the versions' catalogues.
        incoming: survey files that may be taken in by name; None for none.
    """

    descriptors: Path
    uploads: Path
    exports: Path
    tables: Path
    catalogues: Path
    incoming: Path | None = None


TAP_THREADS = 2
USUAL_QUOTA = Quota(at_once=2, kept=20, days=7)


class Factory:
    """Makes services on shared connections.

    Args:
        url: the database.
        pool_size: connections for short reads of either kind.
        stream_pool_size: connections for files on their way out, each kept for as long as its file takes to send.
        query_pool_size: connections for queries that users write.
        state: folder for what users leave here for a while.
        public_url: address under which users see the service, where it differs from the one that requests name.
        folders: where files lie that workers and the service share; None where there is no worker.
        largest_upload: bytes that an uploaded file may have.
        cache: folder of what this machine may make again at any time, tabulated models among it; None keeps nothing.
        quota: how many tables a client may have homogenized.
        exports: how many exports a client may have.
        left_queries: how many queries a client may have left to run.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        stream_pool_size: int = 4,
        query_pool_size: int = 4,
        public_url: str | None = None,
        folders: Folders | None = None,
        largest_upload: int = 1 << 30,
        state: Path = Path(".sos"),
        cache: Path | None = None,
        quota: Quota = USUAL_QUOTA,
        exports: Quota = USUAL_EXPORTS,
        left_queries: QueryQuota = USUAL_QUERIES,
    ) -> None:
        self.public_url = public_url.rstrip("/") if public_url else None
        self.largest_upload = largest_upload
        self._folders = folders
        self._cache = cache
        self._quota = quota
        self._exports = exports
        self._conversion: Conversion | None = None
        self._reader = Reader(url, size=pool_size, name="reads")
        self._pages = Database(url, options=SHORT_OPTIONS, size=pool_size, patience_s=PATIENCE_S, name="pages")
        self._files = Database(
            url, options=LONG_OPTIONS, size=stream_pool_size, patience_s=FILE_PATIENCE_S, name="files"
        )
        self._administration = Database(url, size=ADMINISTRATION_SIZE, patience_s=PATIENCE_S, name="administration")
        self._access = Access(self._administration)
        self._own_queries = Database(
            url, options=LONG_OPTIONS, size=query_pool_size, patience_s=FILE_PATIENCE_S, name="queries"
        )
        self._watched = Database(
            url,
            options=WATCH_OPTIONS,
            size=1,
            patience_s=WATCH_PATIENCE_S,
            name="figures",
            server_patience_s=WATCH_PATIENCE_S,
        )
        self._figures = DatabaseFigures(self._watched)
        self._tap_jobs = TapJobs(
            Database(url, size=TAP_THREADS + 1), state / "tap", threads=TAP_THREADS, quota=left_queries
        )
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
        self._administration.dispose()
        self._tap_jobs.close()
        self._own_queries.dispose()
        self._watched.dispose()

    def access(self) -> Access:
        """Keys to administration."""
        return self._access

    def audit(self) -> Audit:
        """What is on record about administration."""
        return Audit(self._administration)

    def catalog(self) -> Catalog:
        """Stars, one by one and in cones."""
        return self._catalog

    def downloads(self) -> Downloads:
        """Pages and files of whole tables."""
        return Downloads(self._pages, self._files, self._folders.catalogues if self._folders else None)

    def star_lists(self) -> StarLists:
        """Stars by lists of identifiers."""
        return StarLists(self._pages)

    def surveys(self) -> Surveys:
        """What is in."""
        return self._surveys

    def versions(self) -> Versions:
        """Calibration versions."""
        return Versions(self._pages)

    def provenance(self) -> Provenance:
        """Where numbers come from."""
        return Provenance(self._pages)

    def diffs(self) -> Diffs:
        """Two calibration versions side by side."""
        from app.services.diffs import Diffs  # noqa: PLC0415 - brings numba, for which no process should wait at start

        return Diffs(self._files)

    def matches(self) -> Matches:
        """Users' tables joined with the catalogue."""
        from app.pipeline.user_tables import read_upload  # noqa: PLC0415 - brings the readers of tables, and astropy
        from app.services.matches import Matches  # noqa: PLC0415 - brings pyarrow

        return Matches(self._files, read_upload)

    def conversion(self) -> Conversion:
        """Values from one survey's scale to another's; one for all requests, for it keeps models."""
        if self._conversion is None:
            from app.pipeline.machine_cache import keep_in  # noqa: PLC0415 - brings numpy
            from app.pipeline.models import load_model  # noqa: PLC0415 - brings the model libraries
            from app.pipeline.user_tables import read_upload  # noqa: PLC0415 - as above
            from app.services.conversion import Conversion  # noqa: PLC0415 - as above

            if self._cache is not None:
                keep_in(self._cache)
            self._conversion = Conversion(self._files, read_upload, load_model)
        return self._conversion

    def user_surveys(self) -> UserSurveys:
        """Users' tables that are homogenized.

        Raises:
            UnavailableError: there is no place for them.
        """
        from app.pipeline.user_tables import read_upload  # noqa: PLC0415 - as above
        from app.services.user_surveys import UserSurveys  # noqa: PLC0415 - as above

        return UserSurveys(self._pages, self._kept_files().tables, read_upload)

    def user_requests(self) -> UserRequests:
        """What users may ask for that workers do.

        Raises:
            UnavailableError: there is no place for their tables.
        """
        from app.pipeline.user_requests import UserRequests  # noqa: PLC0415 - as above

        return UserRequests(self._administration, self._kept_files().tables, self._quota)

    def jobs(self) -> Jobs:
        """What runs in the background."""
        return Jobs(self._pages)

    def requests(self) -> Requests:
        """What administration may ask for."""
        from app.pipeline.requests import Requests  # noqa: PLC0415 - brings compiled code, which readers never need

        folders = self._folders
        if folders is None:
            return Requests(self._administration, exports=self._exports)
        return Requests(self._administration, folders.descriptors, folders.incoming, self._exports)

    def exports(self) -> Exports:
        """Files that workers write.

        Raises:
            UnavailableError: there is no place for them.
        """
        return Exports(self._pages, self._kept_files().exports)

    def new_upload(self, filename: str) -> Upload:
        """Begin to receive a file.

        Raises:
            ParameterError: that is no name for a file.
            UnavailableError: there is no place for it.
        """
        from app.pipeline.uploads import Upload  # noqa: PLC0415 - as above

        return Upload(self._kept_files().uploads, filename)

    def _kept_files(self) -> Folders:
        if self._folders is None:
            raise UnavailableError("this service keeps no files")
        return self._folders

    def queries(self) -> Queries:
        """What users ask in a language of their own."""
        return Queries(self._own_queries)

    def tap_jobs(self) -> TapJobs:
        """Queries that users left to run."""
        return self._tap_jobs

    def health(self) -> Health:
        """Whether the service can do its work."""
        return Health(self._pages)

    def figures(self) -> DatabaseFigures:
        """What who runs the service watches in its database."""
        return self._figures

    def pools(self) -> tuple[PoolUse, ...]:
        """How far the connections of each kind are used."""
        databases = (self._pages, self._files, self._own_queries, self._administration)
        return (self._reader.use, *(database.use for database in databases))
