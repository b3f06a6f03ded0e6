"""Workers as processes: they share a job, end gracefully when asked, and let go of what is cancelled."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest

from app.pipeline.ending import cancel_job
from app.pipeline.plans import default_plan
from app.pipeline.requests import Calibration, Requests
from app.storage import jobs, migrate, versions
from app.storage.engine import Database
from tests.support.disasters import House, house
from tests.support.universe import fill

OPEN = "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"
RUNNING = "SELECT split_part(stage, ' ', 1), step_id FROM job_step WHERE state = 'running'"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    state = tmp_path_factory.mktemp("house")
    state.chmod(0o755)
    with house(state, workers=2, concurrency=1, serves=False) as built:
        database = Database(built.url)
        with database.begin() as connection:
            migrate.upgrade(connection)
        fill(database, stars=2500)
        yield built, database
        database.dispose()


def calibrate(database: Database) -> int:
    return Requests(database).calibrate(Calibration(default_plan(), reuse=False))


def wait_for(built: House, stage: str) -> None:
    """Wait until a step of a stage runs; some take a few hundredths of a second."""
    deadline = time.monotonic() + 120
    with psycopg.connect(built.url, autocommit=True) as connection:
        while not any(row[0] == stage for row in connection.execute(RUNNING)):
            assert time.monotonic() < deadline, stage
            time.sleep(0.002)


@pytest.mark.slow
def test_two_workers_share_the_fits_of_a_calibration(home):
    built, database = home
    job_id = calibrate(database)
    built.wait_until(lambda: built.rows(OPEN)[0][0] == 0, patience_s=200)
    with database.connect() as connection:
        assert jobs.get(connection, job_id).state == "succeeded"
    by = built.rows(f"SELECT worker, count(*) FROM job_step WHERE job_id = {job_id} AND task = 'fit' GROUP BY worker")
    assert len(by) == 2, by
    assert sum(row[1] for row in by) == 3
    overlap = built.rows(
        f"SELECT count(*) FROM job_step a JOIN job_step b ON a.step_id < b.step_id AND a.job_id = b.job_id "
        f"WHERE a.job_id = {job_id} AND a.task = 'fit' AND b.task = 'fit' AND b.started_at < a.finished_at"
    )
    assert overlap[0][0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["align", "fit", "consistency", "homogenize", "validate"])
def test_a_cancelled_job_lets_go_within_seconds_at_whatever_it_is(home, stage):
    built, database = home
    built.start_all()
    job_id = calibrate(database)
    wait_for(built, stage)
    began = time.monotonic()
    job = cancel_job(database, job_id, "cancelled by a test")
    built.wait_until(
        lambda: (
            built.rows(f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sos-job-{job_id}-%'")
            == [(0,)]
        ),
        patience_s=20,
    )
    print(f"{stage}: {time.monotonic() - began:.1f} s")
    assert (job.state, job.reason) == ("cancelled", "cancelled by a test")
    number = job.version_id
    with database.connect() as connection:
        state = versions.get(connection, number).state
    complete = stage == "validate"
    assert state == ("ready" if complete else "failed")
    tables = f"SELECT count(*) FROM pg_class WHERE relname IN ('calibrated_{number}', 'homogenized_{number}')"
    built.wait_until(lambda: built.rows(tables) == [(2 if complete else 0,)], patience_s=30)
    assert built.rows(f"SELECT count(*) FROM job_step WHERE job_id = {job_id} AND state IN ('queued', 'running')") == [
        (0,)
    ]
    assert built.rows("SELECT count(*) FROM job_data") == [(0,)]


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_finishes_its_step_and_leaves_the_rest(home):
    built, database = home
    built.start_all()
    built.kill("worker 2")
    job_id = calibrate(database)
    built.processes.pop("worker 2")
    built.workers = 1
    wait_for(built, "fit")
    step = built.rows(RUNNING)[0][1]
    process = built.processes["worker 1"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=100) == 0
    state = built.rows(f"SELECT state, attempt FROM job_step WHERE step_id = {step}")
    assert state == [("done", 1)]
    assert built.rows(OPEN)[0][0] == 1
    built.wait_until(lambda: built.rows(OPEN)[0][0] == 0, patience_s=200)
    with database.connect() as connection:
        assert jobs.get(connection, job_id).state == "succeeded"
