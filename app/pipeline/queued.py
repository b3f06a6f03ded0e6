"""A version before anything is fitted: its plan, the data as they are, and the software that will make it."""

from __future__ import annotations

from sqlalchemy import Connection

from app.pipeline.software import software_versions
from app.science.calibration.plan import Plan, plan_mapping
from app.storage import frames, versions


def queue_version(connection: Connection, plan: Plan) -> int:
    """Add a queued version and return its number."""
    return versions.create(
        connection,
        plan=plan_mapping(plan),
        inputs=frames.data_snapshot(connection),
        software=software_versions(),
        seed=plan.seed,
    )
