"""Take a survey file in; a file that is in already is left alone, so a second run is harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from procrastinate import JobContext

from app.pipeline.ingest import ingest_files
from app.storage.engine import Database


def ingest(context: JobContext, *, survey: str | None, paths: list[str]) -> dict[str, Any]:
    """Ingest files of a survey, or of whichever survey their columns fit; returns rows stored and rejected."""
    database: Database = context.additional_context["database"]
    taken = ingest_files(database, [Path(path) for path in paths], survey=survey)
    return {file.file_name: [file.rows_stored, file.rows_rejected] for file in taken}
