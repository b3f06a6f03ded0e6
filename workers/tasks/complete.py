"""Make the homogenized tables of a version part of the catalogue; from here on the version can be read."""

from __future__ import annotations

import orjson

from app.pipeline import course
from app.pipeline.homogenize import Part, finish
from app.storage import jobs
from workers.work import Work


def complete(work: Work, *, publish: bool) -> None:
    """Index and attach the tables of a version."""
    job_id = work.job.job_id
    with work.database.begin() as connection:
        names = jobs.data_names(connection, job_id, course.part_name())
        parts = [Part(**orjson.loads(jobs.get_data(connection, job_id, name))) for name in names]
        finish(connection, work.version, parts)
        stars = sum(part.stars for part in parts)
        then = [course.validation(publish=publish), course.keeping()]
        work.finish(connection, then=then, result={"version": work.version, "stars": stars})
