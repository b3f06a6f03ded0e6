"""Fit one survey in one parameter."""

from __future__ import annotations

import time

from app.pipeline import course
from app.pipeline.alignment import fit_one
from app.storage import jobs
from workers.work import Work


def fit(work: Work, *, survey: str, parameter: int, stage_fits: list[str], reuse: bool, publish: bool) -> None:
    """Fit a survey in a parameter; after the last fit of the stage its surveys are aligned."""
    began = time.monotonic()
    content = fit_one(work.database, work.job.job_id, work.version, survey, parameter)
    work.log(f"{work.step.name}: {time.monotonic() - began:.1f} s")
    after = course.align(work.step.stage, stage_fits, reuse=reuse, publish=publish)
    with work.database.begin() as connection:
        jobs.put_data(connection, work.job.job_id, work.step.name, content)
        work.finish(connection, after_stage=[after])
