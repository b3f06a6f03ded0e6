"""A slice of the catalogue as a file that a worker writes: what it holds, where it lies, and its checksum."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from app.domain.catalog import Bounds, Slice
from app.domain.columns import CATALOG, choose
from app.domain.errors import ConflictError, NotFoundError
from app.domain.files import ExportFormat
from app.domain.jobs import Job, JobKind, JobState
from app.domain.regions import Region
from app.services.downloads import Downloads
from app.services.versions import resolve
from app.storage import jobs, surveys
from app.storage.engine import Database
from app.storage.hats_places import Packed, Section, section

_REGIONS: TypeAdapter[tuple[Region, ...]] = TypeAdapter(tuple[Region, ...])
_BOUNDS: TypeAdapter[dict[str, Bounds]] = TypeAdapter(dict[str, Bounds])


@dataclass(frozen=True)
class Written:
    """A file that is there."""

    path: Path
    form: ExportFormat
    version: int
    rows: int
    size: int
    sha256: str


def arguments_of(wanted: Slice, form: ExportFormat, version: int) -> dict[str, Any]:
    """Return what a step needs to write a slice, as JSON."""
    return {
        "columns": [column.name for column in wanted.columns],
        "bounds": _BOUNDS.dump_python(wanted.bounds, mode="json"),
        "survey": wanted.survey,
        "in_domain": wanted.in_domain,
        "n_min": wanted.n_min,
        "regions": _REGIONS.dump_python(wanted.regions, mode="json"),
        "format": str(form),
        "version": version,
    }


def slice_of(arguments: Mapping[str, Any]) -> Slice:
    """Return the slice of `arguments_of`."""
    return Slice(
        columns=choose(CATALOG, tuple(arguments["columns"])),
        bounds=_BOUNDS.validate_python(arguments["bounds"]),
        survey=arguments["survey"],
        in_domain=arguments["in_domain"],
        n_min=arguments["n_min"],
        regions=_REGIONS.validate_python(arguments["regions"]),
    )


def write(downloads: Downloads, arguments: Mapping[str, Any], folder: Path, job_id: int) -> Written:
    """Write a slice to a file of a folder; a file of this name is always a whole one.

    Args:
        downloads: opens the slice.
        arguments: of `arguments_of`.
        folder: where the file goes.
        job_id: of the job, which names the file.
    """
    form, version = ExportFormat(arguments["format"]), int(arguments["version"])
    folder.mkdir(parents=True, exist_ok=True)
    name = f"sos_v{version}_export_{job_id}"
    path = folder / f"{name}.{form.ending}"
    part = path.with_name(f".{path.name}.part")
    if form.file is None:
        with fresh_folder(path.with_name(f".{path.name}.scratch")) as scratch, Packed(part, name) as packed:
            _, rows = downloads.hats(slice_of(arguments), packed, scratch, version)
    else:
        with downloads.catalogue(slice_of(arguments), form.file, version) as download, part.open("wb") as target:
            target.writelines(download.blocks)
            rows = download.rows
    with part.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    size = part.stat().st_size
    part.replace(path)
    return Written(path, form, version, rows, size, sha256)


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """Make an empty folder, also where an attempt that was killed left one, and remove it in the end."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Exports:
    """Finds files that were written.

    Args:
        database: where jobs are.
        folder: where the files are.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def version(self, wanted: Slice, asked: int | None) -> int:
        """Return the version to write a slice from: the one asked for where it is complete, else the published one.

        Raises:
            UnknownSurveyError: the slice names a survey that does not exist.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: none is asked for and none has been published.
        """
        with self._database.connect() as connection:
            if wanted.survey is not None:
                surveys.get(connection, wanted.survey)
            return resolve(connection, asked)

    def get(self, job_id: int) -> tuple[Job, Written | None]:
        """Return an export's job, and its file once it is written.

        Raises:
            NotFoundError: there is no such export.
        """
        with self._database.connect() as connection:
            job = jobs.get(connection, job_id)
        if job.kind is not JobKind.EXPORT:
            raise NotFoundError(f"job {job_id} is no export")
        return job, self._written(job) if job.state is JobState.SUCCEEDED else None

    def file(self, job_id: int) -> Written:
        """Return the file of an export.

        Raises:
            NotFoundError: there is no such export, or its file is past its time.
            ConflictError: it is not written yet, or cannot be.
        """
        job, written = self.get(job_id)
        if written is None:
            raise ConflictError(f"export {job_id} is {job.state}" + (f": {job.reason}" if job.reason else ""))
        if not written.path.is_file():
            raise NotFoundError(f"the file of export {job_id} is past its time: ask for it again")
        return written

    def section(self, job_id: int, name: str) -> tuple[Written, Section]:
        """Return where a file of a HATS folder lies in the file of its export.

        Raises:
            NotFoundError: there is no such export, it is no HATS folder, or has no such file.
            ConflictError: it is not written yet, or cannot be.
        """
        written = self.file(job_id)
        if written.form is not ExportFormat.HATS:
            raise NotFoundError(f"export {job_id} is a {written.form} file, not a HATS folder")
        found = section(written.path, name)
        if found is None:
            raise NotFoundError(f"the HATS folder of export {job_id} has no file {name!r}")
        return written, found

    def _written(self, job: Job) -> Written | None:
        found = job.result or {}
        path = self._folder / Path(str(found.get("file"))).name
        return Written(
            path, ExportFormat(found["format"]), found["version"], found["rows"], found["bytes"], found["sha256"]
        )
