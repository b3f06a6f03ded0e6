"""A real worker takes jobs from the queue, runs the stages and leaves a published version."""

import pytest

from app.domain.errors import ConflictError
from app.pipeline.plans import default_plan
from app.science.calibration.plan import plan_mapping
from app.storage import versions
from app.storage.job_queue import defer, list_jobs, open_queue
from tests.support.universe import fill
from workers.main import TASKS, run


def jobs(database):
    with database.connect() as connection:
        return {job.job_id: job for job in list_jobs(connection)}


def test_a_calibration_is_made_and_published_in_the_background(database):
    fill(database, stars=600)
    with open_queue(database.url) as queue:
        job = defer(queue, "calibrate", key="calibrate", plan=plan_mapping(default_plan()), serve=True)
    assert jobs(database)[job].status == "todo"
    run(database.url, jobs=1, wait=False)
    assert jobs(database)[job].status == "succeeded"
    with database.connect() as connection:
        assert versions.current(connection) == 1


def test_a_job_that_fails_says_so_and_the_next_one_still_runs(database):
    with open_queue(database.url) as queue:
        bad = defer(queue, "calibrate", key="bad", plan={"name": "no plan"}, serve=False)
        good = defer(queue, "crossmatch", key="crossmatch")
    run(database.url, jobs=1, wait=False)
    found = jobs(database)
    assert found[bad].status == "failed"
    assert found[good].status == "succeeded"


def test_the_same_waiting_job_is_refused_a_second_time(database):
    with open_queue(database.url) as queue:
        defer(queue, "crossmatch", key="crossmatch")
        with pytest.raises(ConflictError, match="'crossmatch' is waiting already"):
            defer(queue, "crossmatch", key="crossmatch")


def test_every_task_of_the_queue_is_known_to_the_worker():
    assert set(TASKS) == {"ingest", "crossmatch", "calibrate"}
