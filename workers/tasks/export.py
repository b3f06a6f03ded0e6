"""Write a slice of the catalogue to a file or a HATS folder; a second run writes the same file again."""

from __future__ import annotations

from typing import Any

from app.services.downloads import Downloads
from app.services.exports import write
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, SHORT_OPTIONS
from workers.work import Work


def export(work: Work, **arguments: Any) -> None:
    """Write a slice, whose `arguments` are those of `app.services.exports.arguments_of`."""
    pages = Database(work.means.url, options=SHORT_OPTIONS, size=1)
    files = Database(work.means.url, options=LONG_OPTIONS, size=1)
    try:
        written = write(Downloads(pages, files, work.means.catalogues), arguments, work.means.exports, work.job.job_id)
    finally:
        pages.dispose()
        files.dispose()
    result = {
        "file": written.path.name,
        "format": str(written.form),
        "version": written.version,
        "rows": written.rows,
        "bytes": written.size,
        "sha256": written.sha256,
    }
    with work.database.begin() as connection:
        work.finish(connection, result=result)
