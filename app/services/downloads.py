"""Tables and slices of them: pages to look at, and files that are streamed with flat memory however large they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as software_version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection

from app.domain.catalog import MeasurementSlice, Page, Rows, Slice
from app.domain.columns import CATALOG, Column
from app.domain.files import FileFormat
from app.domain.surveys import Survey
from app.services.versions import resolve
from app.storage import downloads, hats_folder, kept_catalogues, slices, surveys, table_files
from app.storage.engine import Database, driver_connection
from app.storage.hats_folder import TILE_ROWS, About
from app.storage.hats_places import Place
from app.storage.kept_catalogues import KeptCatalogue
from app.storage.rendering import Rendering
from app.storage.slices import Selection

if TYPE_CHECKING:
    import pyarrow as pa

POSITION = ("ra", "dec")
FROM_KEPT = {FileFormat.PARQUET, FileFormat.ARROW, FileFormat.FITS, FileFormat.VOTABLE}
"""Formats made of columns; PostgreSQL writes the others itself."""

Select: TypeAlias = Callable[[Connection, int], Selection]


@dataclass(frozen=True)
class Download:
    """A file on its way: of which kind, from which version, how many rows, and its bytes, each block once."""

    file: FileFormat
    version: int
    rows: int
    blocks: Iterator[bytes]


class Downloads:
    """Parts of the catalogue and of surveys' measurements, each wholly of one version.

    Args:
        pages: connections for pages, which take milliseconds.
        files: connections for files; each is kept for as long as its file takes to send.
        kept: folder of whole catalogues as files, from which they are read where they are there.
    """

    def __init__(self, pages: Database, files: Database, kept: Path | None = None) -> None:
        self._pages = pages
        self._files = files
        self._kept = kept

    def catalogue_page(self, wanted: Slice, page: Page, version: int | None = None) -> Rows:
        """Return a page of a slice of the catalogue, by number of the star.

        Raises:
            UnknownSurveyError: the slice names a survey that does not exist.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        return self._page(_catalogue(wanted), page, version)

    def measurements_page(self, wanted: MeasurementSlice, page: Page, version: int | None = None) -> Rows:
        """Return a page of a survey's measurements, in the order in which they came in; raises as `catalogue_page`."""
        return self._page(_measurements(wanted), page, version)

    @contextmanager
    def catalogue(self, wanted: Slice, file: FileFormat, version: int | None = None) -> Iterator[Download]:
        """Open a slice of the catalogue as a file, to be read in the block; raises as `catalogue_page`."""
        with self._file(_catalogue(wanted), file, version, wanted if file in FROM_KEPT else None) as download:
            yield download

    @contextmanager
    def measurements(
        self, wanted: MeasurementSlice, file: FileFormat, version: int | None = None
    ) -> Iterator[Download]:
        """Open a survey's measurements as a file, to be read in the block; raises as `catalogue_page`."""
        with self._file(_measurements(wanted), file, version) as download:
            yield download

    def hats(
        self, wanted: Slice, place: Place, scratch: Path, version: int | None = None, *, tile_rows: int = TILE_ROWS
    ) -> tuple[int, int]:
        """Write a slice of the catalogue as a HATS folder; raises as `catalogue_page`.

        Args:
            wanted: which stars; positions are among the columns even where they are not asked for.
            place: where the files go.
            scratch: an empty folder with room for the whole table.
            version: which version.
            tile_rows: stars in one file, at most.

        Returns:
            The numbers of the version and of the stars.
        """
        positions = tuple(column for column in CATALOG if column.name in POSITION)
        columns = (*(column for column in positions if column not in wanted.columns), *wanted.columns)
        with self._files.connect() as connection, ExitStack() as held:
            connection.execution_options(isolation_level="REPEATABLE READ")
            number = resolve(connection, version)
            driver = driver_connection(connection)
            kept = held.enter_context(self._kept_catalogue(connection, number, replace(wanted, columns=columns)))

            def opened(chosen: tuple[Column, ...]) -> AbstractContextManager[pa.RecordBatchReader]:
                if kept is not None:
                    return closing(kept.batches(chosen))
                selection = _catalogue(replace(wanted, columns=chosen))(connection, number)
                return downloads.arrow_reader(self._files.url, driver, selection.all_rows(Rendering.NATIVE))

            with opened(positions) as batches:
                tiles = hats_folder.tiles_of(batches, tile_rows)
            rows = sum(tile.rows for tile in tiles)
            about = About(
                name=f"sos_v{number}",
                builder=f"Survey of Surveys (SoS) {software_version('survey-of-surveys')}",
                made_at=datetime.now(UTC),
                facts=facts(number, rows, surveys.list_all(connection)),
            )
            with opened(columns) as batches:
                hats_folder.write(place, tiles, batches, columns, about, scratch=scratch)
        return number, rows

    def _page(self, select: Select, page: Page, asked: int | None) -> Rows:
        with self._pages.connect() as connection:
            version = resolve(connection, asked)
            selection = select(connection, version)
            return slices.page(driver_connection(connection), selection, page, version)

    @contextmanager
    def _file(
        self, select: Select, file: FileFormat, asked: int | None, whole: Slice | None = None
    ) -> Iterator[Download]:
        with self._files.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            version = resolve(connection, asked)
            with self._kept_catalogue(connection, version, whole) as kept:
                if kept is not None and whole is not None:
                    about = facts(version, kept.rows, surveys.list_all(connection))
                    connection.rollback()  # the place among the files stays taken, but no snapshot is held
                    batches = kept.batches(whole.columns)
                    blocks = table_files.blocks(file, batches, whole.columns, about, name=slices.CATALOGUE, texts={})
                    yield Download(file, version, kept.rows, blocks)
                    return
            selection = select(connection, version)
            driver = driver_connection(connection)
            rows = slices.count(driver, selection)
            about = facts(version, rows, surveys.list_all(connection))
            with downloads.opened(self._files.url, driver, selection, file, about) as blocks:
                yield Download(file, version, rows, blocks)

    def _kept_catalogue(
        self, connection: Connection, version: int, whole: Slice | None
    ) -> AbstractContextManager[KeptCatalogue | None]:
        """Open the file of a version's catalogue where there is one that has all of a slice."""
        if self._kept is None or whole is None:
            return nullcontext()
        return kept_catalogues.opened(connection, self._kept, version, whole)


def facts(version: int, rows: int, known: Iterable[Survey]) -> dict[str, str]:
    """Return what a file says of itself; whoever uses it cites the surveys too."""
    sources = "; ".join(f"{survey.title} {survey.release}: {survey.citation}" for survey in known)
    citation = f"Survey of Surveys (SoS), calibration version {version}, from {sources}"
    return {"sos.version": str(version), "sos.rows": str(rows), "sos.citation": citation}


def _catalogue(wanted: Slice) -> Select:
    def select(connection: Connection, version: int) -> Selection:
        if wanted.survey is not None:
            surveys.get(connection, wanted.survey)
        return slices.catalogue(version, wanted)

    return select


def _measurements(wanted: MeasurementSlice) -> Select:
    def select(connection: Connection, version: int) -> Selection:
        survey = surveys.get(connection, wanted.survey)
        return slices.measurements(driver_connection(connection), version, survey.survey_id, wanted)

    return select
