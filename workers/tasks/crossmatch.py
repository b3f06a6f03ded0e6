"""Match all surveys into stars; the matches are replaced in one transaction, so a second run is harmless."""

from __future__ import annotations

from app.pipeline.crossmatch import crossmatch as match
from app.pipeline.crossmatch import survey_radii
from workers.work import Work


def crossmatch(work: Work, *, full: bool) -> None:
    """Cross-match every measurement."""
    summary = match(work.database, survey_radii(work.database), full=full, progress=work.progress())
    with work.database.begin() as connection:
        work.finish(connection, result={"stars": summary.stars, "measurements": summary.measurements})
