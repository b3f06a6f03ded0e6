"""Match all surveys into stars; the matches are replaced in one transaction, so a second run is harmless."""

from __future__ import annotations

from typing import Any

from procrastinate import JobContext

from app.pipeline.crossmatch import crossmatch, survey_radii
from app.storage.engine import Database


def match(context: JobContext) -> dict[str, Any]:
    """Cross-match every measurement; returns how many stars and measurements there are."""
    database: Database = context.additional_context["database"]
    summary = crossmatch(database, survey_radii(database))
    return {"stars": summary.stars, "measurements": summary.measurements}
