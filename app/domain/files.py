"""Kinds of files in which tables leave SoS."""

from __future__ import annotations

from enum import StrEnum


class FileFormat(StrEnum):
    """A kind of file."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"
    JSONL = "jsonl"
    FITS = "fits"
    VOTABLE = "votable"

    @property
    def media_type(self) -> str:
        """The media type under which a file of this kind is sent."""
        return _MEDIA_TYPES[self]

    @property
    def ending(self) -> str:
        """The ending of its name, without a point."""
        return "vot" if self is FileFormat.VOTABLE else self.value

    @classmethod
    def of_ending(cls, ending: str) -> FileFormat | None:
        """Return the kind whose files end like this, None where there is none."""
        return next((one for one in cls if ending in {one.value, one.ending}), None)


_MEDIA_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8; header=present",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.ARROW: "application/vnd.apache.arrow.stream",
    FileFormat.JSONL: "application/jsonl",
    FileFormat.FITS: "application/fits",
    FileFormat.VOTABLE: "application/x-votable+xml",
}


class ExportFormat(StrEnum):
    """What an export may be: a file of any kind, or a HATS folder, packed into one zip file."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"
    JSONL = "jsonl"
    FITS = "fits"
    VOTABLE = "votable"
    HATS = "hats"

    @property
    def file(self) -> FileFormat | None:
        """The kind of file, None for a HATS folder."""
        return None if self is ExportFormat.HATS else FileFormat(self.value)

    @property
    def media_type(self) -> str:
        """The media type under which it is sent."""
        return "application/zip" if self.file is None else self.file.media_type

    @property
    def ending(self) -> str:
        """The ending of its file's name, without a point."""
        return "hats.zip" if self.file is None else self.file.ending
