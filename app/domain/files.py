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
