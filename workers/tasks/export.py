"""Write a slice of the catalogue to a file; a second run writes the same file again."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from app.factory import Factory
from app.services.exports import write
from workers.work import Work


def export(work: Work, **arguments: Any) -> None:
    """Write a slice, whose `arguments` are those of `app.services.exports.arguments_of`."""
    with closing(Factory(work.means.url, pool_size=1, stream_pool_size=1)) as factory:
        written = write(factory.downloads(), arguments, work.means.exports, work.job.job_id)
    result = {
        "file": written.path.name,
        "format": str(written.file),
        "version": written.version,
        "rows": written.rows,
        "bytes": written.size,
        "sha256": written.sha256,
    }
    with work.database.begin() as connection:
        work.finish(connection, result=result)
