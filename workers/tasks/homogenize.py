"""Homogenize a range of stars: its rows and the word that they are there are one transaction."""

from __future__ import annotations

from dataclasses import asdict

import orjson

from app.pipeline import course
from app.pipeline.alignment import check_data
from app.pipeline.homogenize import load_recipe, write_part
from app.storage import jobs
from workers.work import Work


def homogenize(work: Work, *, first: int, below: int, publish: bool) -> None:
    """Calibrate and combine the measurements of the stars from `first` to below `below`."""
    recipe = load_recipe(work.database, work.version)
    with work.database.begin() as connection:
        part = write_part(connection, recipe, (first, below))
        check_data(connection, work.version)
        jobs.put_data(connection, work.job.job_id, work.step.name, orjson.dumps(asdict(part)))
        work.finish(connection, after_stage=[course.completion(publish=publish)])
