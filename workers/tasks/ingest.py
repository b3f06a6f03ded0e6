"""Take a survey file in; a file that is in already is left alone, so a second run is harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from procrastinate import JobContext

from app.pipeline.ingest import ingest as take_in
from app.pipeline.readers import open_table
from app.storage.engine import Database
from app.surveys import loader


def ingest(context: JobContext, *, path: str) -> dict[str, Any]:
    """Ingest a file of the survey that its columns fit; returns rows stored and rejected."""
    database: Database = context.additional_context["database"]
    file = Path(path)
    descriptor = loader.recognise(open_table(file).schema.names, file.name, loader.builtin())
    taken = take_in(database, descriptor, file)
    return {"survey": taken.survey, "stored": taken.rows_stored, "rejected": taken.rows_rejected}
