"""A real worker takes steps from the queue, does the stages and leaves a published version."""

from app.domain.jobs import JobState
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.pipeline.requests import Calibration, Requests
from app.storage import jobs, steps, versions
from tests.support.means import means
from tests.support.universe import fill
from workers.attempt import attempt
from workers.main import run
from workers.slots import Here


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
        "keep",
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


def test_a_survey_that_is_as_before_keeps_its_models_and_the_numbers_are_those_of_a_full_run(database):
    fill(database, stars=2000)
    requests = Requests(database)
    requests.calibrate(Calibration(default_plan()))
    run(means(database), concurrency=0, wait=False)
    with database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE measurement SET feh = feh + 0.1 FROM survey "
            "WHERE survey.survey_id = measurement.survey_id AND survey.name = 'rave_dr6'"
        )
    partial = requests.calibrate(Calibration(default_plan()))
    run(means(database), concurrency=0, wait=False)
    requests.calibrate(Calibration(default_plan(), reuse=False))
    run(means(database), concurrency=0, wait=False)
    with database.connect() as connection:
        before, reused, fresh = (versions.get(connection, number) for number in (1, 2, 3))
        steps_of_partial = {step.task for step in steps.of_job(connection, partial)}
        said = [line.message for line in jobs.log_tail(connection, partial)]
        models = [
            {(m.survey, m.parameter): (m.artifact_sha256, m.metrics) for m in versions.models(connection, number)}
            for number in (2, 3)
        ]
    assert "fit" not in steps_of_partial
    assert any("lamost_lrs keeps the models of version 1" in line for line in said)
    assert reused.metrics == fresh.metrics
    assert reused.metrics["catalogue_sha256"] != before.metrics["catalogue_sha256"]
    assert models[0] == models[1]


def test_data_that_change_under_a_calibration_make_it_fail_with_the_reason(database):
    fill(database, stars=600)
    job_id = Requests(database).calibrate(Calibration(default_plan()))
    with database.connect() as connection:
        first = steps.open_of_job(connection, job_id)[0]
    assert attempt(database, first, Here(), means(database), worker="test").ending == "done"
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO crossmatch_run (measurements, stars) VALUES (1, 1)")
    run(means(database), concurrency=0, wait=False)
    job = get(database, job_id)
    assert (job.state, "start it again" in job.reason) == (JobState.FAILED, True)


def test_a_step_is_done_by_one_worker_at_a_time_and_an_attempt_that_was_overtaken_keeps_nothing(database):
    fill(database, stars=600)
    job_id = Requests(database).crossmatch()
    with database.begin() as connection:
        step_id = steps.open_of_job(connection, job_id)[0]
        assert steps.claim(connection, step_id, worker="one") == 1
        assert steps.claim(connection, step_id, worker="two") == 2
        assert not steps.finish(connection, step_id, 1)
        assert steps.finish(connection, step_id, 2)
        assert steps.claim(connection, step_id, worker="three") is None
    with database.connect() as one, database.connect() as other:
        assert steps.try_lock(one, step_id)
        assert not steps.try_lock(other, step_id)
        steps.unlock(one, step_id)


def test_old_versions_go_and_the_published_one_never_does(database, tmp_path):
    fill(database, stars=600)
    requests = Requests(database)
    for _ in range(4):
        requests.calibrate(Calibration(default_plan()))
        run(means(database, tmp_path, keep_versions=10), concurrency=0, wait=False)
    assert kept(tmp_path) == ["v1", "v2", "v3", "v4"]
    with database.begin() as connection:
        versions.publish(connection, 1)
    requests.cleanup()
    run(means(database, tmp_path, keep_versions=1), concurrency=0, wait=False)
    assert kept(tmp_path) == ["v1", "v4"]
    with database.connect() as connection:
        states = {version.version_id: str(version.state) for version in versions.list_all(connection)}
        tables = set(
            connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relname ~ '^homogenized_[0-9]+$'").scalars()
        )
        assert versions.models(connection, 2)
    assert states == {1: "published", 2: "removed", 3: "removed", 4: "ready"}
    assert tables == {"homogenized_1", "homogenized_4"}


def kept(folder):
    """Return the versions whose catalogue is kept as a file."""
    return sorted(path.name.partition("-")[0] for path in (folder / "catalogues").iterdir())


def test_a_disk_without_room_costs_the_file_and_not_the_version(database, tmp_path):
    (tmp_path / "catalogues").write_text("no folder can be here")
    fill(database, stars=600)
    job_id = Requests(database).calibrate(Calibration(default_plan(), publish=True))
    run(means(database, tmp_path), concurrency=0, wait=False)
    assert get(database, job_id).state is JobState.SUCCEEDED
    with database.connect() as connection:
        assert versions.current(connection) == 1
        lines = [(line.level, line.message) for line in jobs.log_tail(connection, job_id)]
    assert any(level == "warning" and "no file of the catalogue" in message for level, message in lines)
