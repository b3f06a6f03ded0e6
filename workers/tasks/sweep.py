"""Find what a killed worker, service or server left behind, and let it go on; each worker does so every few seconds."""

from __future__ import annotations

from app.domain.errors import AlreadyRunningError
from app.pipeline.ending import drop_tables
from app.pipeline.requests import Requests
from app.pipeline.retention import due
from app.storage import jobs, steps, version_tables
from app.storage.engine import Database
from workers.means import Means

PATIENCE_S = 5.0
"""How long a waiting step may be without a job of the queue that brings it to a worker."""


def sweep(database: Database, means: Means) -> None:
    """Give abandoned steps back, deliver forgotten ones, start jobs whose time has come, drop tables nobody can read.

    Two sweeps at once do no harm: the second finds nothing.
    """
    with database.begin() as connection:
        for step_id, attempt in steps.abandoned(connection):
            if steps.give_back(connection, step_id, attempt):
                steps.deliver(connection, [step_id])
        steps.deliver(connection, steps.undelivered(connection, patience_s=PATIENCE_S))
        jobs.start_waiting(connection)
        steps.bury_dead(connection)
        left = version_tables.left_over(connection)
    for version_id in left:
        drop_tables(database, version_id)
    with database.connect() as connection:
        wanted = due(connection, keep=means.keep_versions, export_days=means.keep_exports_days)
    if wanted:
        try:
            Requests(database).cleanup(requested_by="retention")
        except AlreadyRunningError:
            return
