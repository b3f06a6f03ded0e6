"""Keep the catalogue of a version as a file; without it downloads are slower, so it may fail."""

from __future__ import annotations

from app.pipeline.keep import keep as keep_catalogue
from workers.work import Work


def keep(work: Work) -> None:
    """Write the file; a second run writes the same one again."""
    try:
        keep_catalogue(work.database, work.means.catalogues, work.version)
    except OSError as error:
        work.log(f"no file of the catalogue, downloads will be read from the database: {error}", level="warning")
    with work.database.begin() as connection:
        work.finish(connection)
