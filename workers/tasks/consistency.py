"""Measure what the errors of the calibrated surveys share and lack, and divide the stars for homogenization."""

from __future__ import annotations

from app.pipeline import course
from app.pipeline.alignment import check_data
from app.pipeline.homogenize import prepare
from app.storage import version_tables
from workers.work import Work


def consistency(work: Work, *, publish: bool) -> None:
    """Prepare the homogenization of a version."""
    parts = prepare(work.database, work.version)
    with work.database.begin() as connection:
        check_data(connection, work.version)
        version_tables.drop(connection, work.version)
        version_tables.create(connection, work.version)
        work.finish(connection, then=course.homogenization(parts, publish=publish))
