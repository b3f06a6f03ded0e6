"""Point readers to a version: the pointer moves in the transaction that ends the step."""

from __future__ import annotations

from app.pipeline.publish import publish_in, rollback_in
from workers.work import Work


def publish(work: Work, *, force: bool, action: str) -> None:
    """Publish the job's version, or serve it again (`action` rollback)."""
    with work.database.begin() as connection:
        if action == "rollback":
            rollback_in(connection, work.version)
            before = None
        else:
            before = publish_in(connection, work.version, force=force)
        work.finish(connection, result={"version": work.version, "published": True, "before": before})
