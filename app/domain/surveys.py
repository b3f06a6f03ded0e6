"""Surveys, the files that were taken into them, and the rows that could not be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Survey:
    """A survey release and what is in of it."""

    survey_id: int
    name: str
    title: str
    release: str
    citation: str
    url: str | None
    created_at: datetime
    n_files: int
    n_rows: int
    n_rejects: int


@dataclass(frozen=True)
class Ingestion:
    """One file taken in: every row that was read is stored or rejected.

    `repeated` says that the same file had been taken in before with the same descriptor, so that nothing was done.
    """

    ingestion_id: int
    survey: str
    file_name: str
    file_sha256: str
    file_bytes: int
    file_format: str
    descriptor_sha256: str
    rows_read: int
    rows_stored: int
    rows_rejected: int
    started_at: datetime
    finished_at: datetime
    repeated: bool = False


@dataclass(frozen=True)
class Reject:
    """A row that cannot be a measurement: its place in the file (counted from 1), why, and what it said."""

    survey: str
    file_name: str
    row_number: int
    reason: str
    original: dict[str, Any]
    ingestion_id: int
