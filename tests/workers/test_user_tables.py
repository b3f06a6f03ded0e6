"""A user's table in the hands of workers that are killed or told to stop: whole and the same in the end, or gone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from app.domain.errors import NotFoundError, TooManyRequestsError
from app.domain.quotas import Quota
from app.domain.user_surveys import UserSurvey, UserSurveyRequest
from app.pipeline import user_requests
from app.pipeline.user_requests import UserRequests
from app.pipeline.user_tables import read_upload
from app.services.user_surveys import UserSurveys
from app.storage.engine import Database
from tests.support import ingested
from tests.support.cli import start_sos
from tests.support.means import means
from tests.support.user_table import columns_of, parquet
from workers.main import run

STARS = 1500
QUOTA = Quota(at_once=10, kept=10, days=1)


@pytest.fixture
def tables(database: Database, tmp_path: Path) -> tuple[UserSurveys, UserRequests, Path]:
    ingested.build(database, tmp_path, stars=STARS)
    folder = tmp_path / "state" / "tables"
    return UserSurveys(database, folder, read_upload), UserRequests(database, folder, QUOTA), folder


def send(tables: tuple[UserSurveys, UserRequests, Path], rows: int = 1000, client: str = "here") -> str:
    content = parquet(columns_of(np.random.default_rng(5).permutation(STARS)[:rows], stars=STARS))
    return tables[1].homogenize(content, tables[0].look(content, UserSurveyRequest()), client=client)


def wait_until(true: Callable[[], bool], *, patience_s: float = 120.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_killed_in_the_fit_it_is_done_by_the_next_worker_with_the_same_bytes(tables, database, tmp_path):
    state = tmp_path / "state"
    undisturbed = send(tables, client="undisturbed")
    run(means(database, state), concurrency=0, wait=False)
    expected = tables[0].file(undisturbed)
    token = send(tables)

    def now() -> UserSurvey:
        return tables[0].get(token)

    worker = start_sos("worker", SOS_DATABASE_URL=database.url, SOS_STATE=state, SOS_JOBS="1")
    try:
        wait_until(lambda: now().stage == "calibrate")
        time.sleep(0.5)
        assert not now().state.ended
        worker.kill()
        worker.communicate()
        with database.connect() as connection:
            assert now().state == "running"
            connection.rollback()
        worker = start_sos("worker", SOS_DATABASE_URL=database.url, SOS_STATE=state, SOS_JOBS="1")
        wait_until(lambda: now().state.ended)
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    assert now().state == "succeeded", now().reason
    written = tables[0].file(token)
    assert written.sha256 == expected.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert [path.name for path in written.path.parent.iterdir()] == [written.path.name]
    with database.connect() as connection:
        attempts = "SELECT attempt FROM job_step WHERE name = 'calibrate_table' ORDER BY step_id DESC LIMIT 1"
        assert connection.execute(text(attempts)).scalar_one() == 2


@pytest.mark.slow
def test_discarded_in_the_fit_it_is_gone_and_the_worker_goes_on(tables, database, tmp_path):
    state = tmp_path / "state"
    worker = start_sos("worker", SOS_DATABASE_URL=database.url, SOS_STATE=state, SOS_JOBS="1")
    try:
        token = send(tables)
        wait_until(lambda: tables[0].get(token).stage == "calibrate")
        tables[1].discard(token)
        with pytest.raises(NotFoundError):
            tables[0].get(token)
        other = send(tables, rows=100)
        wait_until(lambda: tables[0].get(other).state.ended)
        assert tables[0].get(other).state == "succeeded"
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
    assert [path.name for path in tables[2].iterdir()] == [other]
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM job_data")).scalar_one() == 0

    def nobody_is_at_it() -> bool:
        busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sos-job-%'"
        with database.connect() as connection:
            return bool(connection.execute(text(busy)).scalar_one() == 0)

    wait_until(nobody_is_at_it)


def test_a_table_whose_file_is_gone_fails_and_says_so(tables, database, tmp_path):
    token = send(tables, rows=50)
    (tables[2] / token / "upload").unlink()
    run(means(database, tmp_path / "state"), concurrency=0, wait=False)
    failed = tables[0].get(token)
    assert (failed.state, "send it again" in failed.reason) == ("failed", True)


def test_tables_sent_at_the_same_time_do_not_pass_the_limit_of_all_together(tables, monkeypatch):
    monkeypatch.setattr(user_requests, "MOST_WAITING", 3)

    def one(place: int) -> bool:
        try:
            send(tables, rows=50, client=f"192.0.2.{place}")
        except TooManyRequestsError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(one, range(10))) == 3
    assert len(list(tables[2].iterdir())) == 3, "what was refused has left nothing"
