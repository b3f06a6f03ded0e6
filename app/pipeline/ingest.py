"""Take survey files in: every row becomes a measurement with its original columns, or a reject with its reason.

One transaction a file: a file that turns out to be damaged leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import ConflictError, InputError, TableError
from app.domain.surveys import Ingestion
from app.pipeline.intake import Intake, open_described
from app.pipeline.progress import Progress, silent
from app.pipeline.readers import open_table
from app.pipeline.readers.source import checksum
from app.storage import surveys
from app.storage.engine import Database
from app.surveys import loader
from app.surveys.translation import Translator

_SUFFIXES = (".fits", ".fit", ".csv", ".tsv", ".ecsv", ".vot", ".votable", ".xml", ".parquet")


def ingest(
    database: Database,
    descriptor: SurveyDescriptor,
    path: Path,
    *,
    replace_earlier: bool = False,
    progress: Progress = silent,
) -> Ingestion:
    """Take a file into the descriptor's survey; the same file and descriptor again do nothing.

    A row whose object the survey has from another file is rejected, so that nothing counts twice.

    Args:
        database: to write to.
        descriptor: what the file's columns mean.
        path: the file.
        replace_earlier: first put aside what other files, or this file by an older descriptor, brought into the survey;
            its rows stay while a kept version refers to them.
        progress: called with rows done and in all.

    Returns:
        The record of the file; `repeated` where it had been in already.

    Raises:
        TableError: the file is damaged, does not fit the descriptor, or none of its rows can be used.
        ConflictError: the file is in already, read by an older descriptor.
    """
    file_sha256 = checksum(path)
    with database.connect() as connection:
        known = _known(connection, descriptor, path, file_sha256, replace_earlier=replace_earlier)
    if known is not None:
        return known
    table = open_described(path, descriptor)
    translator = Translator(descriptor, path.name, table.schema)
    try:
        with database.begin() as connection:
            surveys.lock(connection, descriptor.name)
            known = _known(connection, descriptor, path, file_sha256, replace_earlier=replace_earlier)
            if known is not None:
                return known
            return Intake(connection, descriptor, path, file_sha256, table).run(
                translator, replace_earlier=replace_earlier, progress=progress
            )
    except InputError as error:
        if type(error) is not InputError:
            raise
        # What the database itself refused: a NUL within a text, for one.
        raise TableError(path.name, f"holds a value that cannot be stored: {error}") from error


def _known(
    connection: Connection, descriptor: SurveyDescriptor, path: Path, file_sha256: str, *, replace_earlier: bool
) -> Ingestion | None:
    earlier = surveys.ingestions(connection, descriptor.name, file_sha256=file_sha256)
    same = [one for one in earlier if one.descriptor_sha256 == descriptor.sha256]
    if same:
        return replace(same[0], repeated=True)
    if earlier and not replace_earlier:
        raise ConflictError(
            f"{path.name} is in {descriptor.name} already, read by another descriptor: replace what it brought "
            "(--replace) or keep the old descriptor"
        )
    return None


@dataclass(frozen=True)
class FolderScan:
    """What is in a folder: survey files with their descriptors, and other files with why they are left alone."""

    recognised: tuple[tuple[Path, SurveyDescriptor], ...]
    skipped: tuple[tuple[Path, str], ...]


def scan_folder(folder: Path, descriptors: Sequence[SurveyDescriptor]) -> FolderScan:
    """Recognise the files of a folder by their columns; subfolders and hidden files are left alone.

    Raises:
        TableError: a file with the suffix of a table is damaged, or fits more than one descriptor.
    """
    recognised: list[tuple[Path, SurveyDescriptor]] = []
    skipped: list[tuple[Path, str]] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.name.startswith("."):
            continue
        if not path.name.lower().removesuffix(".gz").endswith(_SUFFIXES):
            skipped.append((path, "is no table"))
            continue
        names = open_table(path).schema.names
        fitting = loader.fitting(names, path.name, descriptors)
        if fitting:
            recognised.append((path, loader.recognise(names, path.name, fitting)))
        else:
            skipped.append((path, "has the columns of no known survey"))
    return FolderScan(tuple(recognised), tuple(skipped))


def ingest_folder(
    database: Database,
    folder: Path,
    *,
    extra_descriptors: Sequence[SurveyDescriptor] = (),
    progress: Progress = silent,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Ingestion]:
    """Take in every survey file of a folder; files that are in already are left as they are.

    Args:
        database: to write to.
        folder: with the files.
        extra_descriptors: formats to know besides the built-in ones, of which they replace those of the same name.
        progress: called with rows done and in all, of the file at hand.
        announce: called with a line about each file.

    Raises:
        TableError: as `ingest`, or no file of the folder is a survey's.
        ConflictError: a file is in already, read by an older descriptor.
    """
    scan = scan_folder(folder, loader.with_builtin(extra_descriptors))
    for path, why in scan.skipped:
        announce(f"{path.name} {why}: left alone")
    if not scan.recognised:
        raise TableError(str(folder), "no file of this folder has the columns of a known survey")
    found = []
    for path, descriptor in scan.recognised:
        announce(f"{path.name}: {descriptor.title} ({descriptor.format})")
        found.append(ingest(database, descriptor, path, progress=progress))
    return found
