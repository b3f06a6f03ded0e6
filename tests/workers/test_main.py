"""A real worker takes steps from the queue, does the stages and leaves a published version."""

from app.domain.jobs import JobState
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.pipeline.requests import Calibration, Requests
from app.storage import jobs, steps, versions
from tests.support.means import means
from tests.support.universe import fill
from workers.main import run


def get(database, job_id):
    with database.connect() as connection:
        return jobs.get(connection, job_id)


def test_a_calibration_is_made_and_published_in_the_background(database):
    fill(database, stars=2000)
    job_id = Requests(database).calibrate(Calibration(default_plan(), publish=True), requested_by="somebody")
    assert get(database, job_id).state is JobState.RUNNING
    run(means(database), concurrency=0, wait=False)
    job = get(database, job_id)
    assert (job.state, job.reason) == (JobState.SUCCEEDED, None)
    with database.connect() as connection:
        assert versions.current(connection) == job.version_id == 1
        done = steps.of_job(connection, job_id)
        lines = [line.message for line in jobs.log_tail(connection, job_id)]
    assert {step.task for step in done} == {
        "align",
        "fit",
        "consistency",
        "homogenize",
        "complete",
        "validate",
        "publish",
    }
    assert all(step.attempt == 1 for step in done)
    assert lines[0] == "asked for by somebody"
    assert any("stars in common with the scale" in line for line in lines)


def test_the_steps_make_the_same_numbers_as_one_process(database):
    fill(database, stars=2000)
    Requests(database).calibrate(Calibration(default_plan()))
    run(means(database), concurrency=0, wait=False)
    other = calibrate(database, default_plan())
    homogenize_stars(database, other)
    with database.connect() as connection:
        both = [versions.get(connection, number) for number in (1, other)]
        models = [
            {(m.survey, m.parameter): m.artifact_sha256 for m in versions.models(connection, v.version_id)}
            for v in both
        ]
    assert models[0] == models[1]
    assert both[0].metrics == both[1].metrics
    assert both[0].metrics["catalogue_sha256"]


def test_a_job_that_fails_says_why_and_the_next_one_still_runs(database):
    fill(database, stars=600)
    requests = Requests(database)
    bad = requests.calibrate(Calibration(default_plan()))
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE version SET plan = plan - 'fit'")
    good = requests.crossmatch()
    assert get(database, good).state is JobState.QUEUED
    run(means(database), concurrency=0, wait=False)
    failed = get(database, bad)
    assert (failed.state, failed.reason) == (JobState.FAILED, "version 1: fit: this table is missing")
    with database.connect() as connection:
        version = versions.get(connection, 1)
    assert (version.state, version.reason) == ("failed", failed.reason)
    assert get(database, good).state is not JobState.QUEUED
