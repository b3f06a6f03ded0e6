"""Kinds of files in which tables leave SoS."""

from __future__ import annotations

from enum import StrEnum


class FileFormat(StrEnum):
    """A kind of file; the value is also the ending of its name."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        """The media type under which a file of this kind is sent."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8; header=present",
    FileFormat.PARQUET: "application/vnd.apache.parquet",
    FileFormat.ARROW: "application/vnd.apache.arrow.stream",
    FileFormat.JSONL: "application/jsonl",
}
