"""Remove what retention does not keep: old versions, exported files, users' tables, jobs that ended long ago."""

from __future__ import annotations

import shutil
import time

from app.pipeline import retention, uploads
from app.pipeline.user_requests import remove_expired
from app.storage import exports, jobs, kept_catalogues, measurements, versions
from workers.work import Work

JOBS_KEPT_DAYS = 90
UPLOADS_KEPT_S = 7 * 86400
"""An upload whose job is not done after so long is not waited for."""


def cleanup(work: Work) -> None:
    """Remove versions beyond those that are kept, files of exports and users' tables past their time, and old jobs."""
    removed = retention.remove_versions(work.database, keep=work.means.keep_versions)
    with work.database.connect() as connection:
        readable = [one.version_id for one in versions.list_all(connection) if one.state.readable]
    kept_catalogues.remove_others(work.means.catalogues, readable)
    for version_id in removed:
        work.log(f"version {version_id} is removed; its plan, inputs, figures and report stay")
    oldest = time.time() - work.means.keep_exports_days * 86400
    files = [path for path in work.means.exports.glob("*") if path.stat().st_mtime < oldest]
    for path in files:
        if path.is_dir():  # where an export that was killed and never asked for again left off
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    tables = remove_expired(work.database, work.means.tables)
    uploads.remove_older(work.means.uploads, time.time() - UPLOADS_KEPT_S)
    with work.database.begin() as connection:
        measurements.purge_superseded(connection)
        exports.remove_expired(connection, days=work.means.keep_exports_days)
        jobs.forget_old(connection, days=JOBS_KEPT_DAYS)
        work.finish(
            connection, result={"versions_removed": removed, "files_removed": len(files), "tables_removed": tables}
        )
