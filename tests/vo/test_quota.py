"""`/tap/async`: a client has a quota of jobs and of what they hold, others have theirs; nobody sees whose they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from sqlalchemy import text

from app.domain.clients import digest_of
from app.domain.errors import TooManyRequestsError
from app.domain.quotas import QueryQuota
from app.services.tap_jobs import TapJobs
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.http import Service, serving
from tests.vo.test_tap import status_of

ME, OTHER = "192.0.2.7", "192.0.2.8"
MIB = b"x" * (1 << 20)
LARGE = "SELECT a.star_id, b.ra, b.dec FROM sos.star AS a, sos.star AS b"
Serve = Callable[..., Service]


@pytest.fixture
def serve(database: Database, tmp_path: Path) -> Iterator[Serve]:
    """Serves a small catalogue with the settings that a test wants."""
    catalogue.build(database)
    open_ones = []

    def start(**settings: int) -> Service:
        serving_one = serving(database, state=tmp_path, **settings)
        open_ones.append(serving_one)
        return serving_one.__enter__()

    yield start
    for one in open_ones:
        one.__exit__(None, None, None)


def make(service: Service, query: str = "SELECT 1", client: str = ME, **more: object) -> httpx.Response:
    data = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", **more}
    files = data.pop("files", None)
    return service.send("POST", "/tap/async", data=data, files=files, client=client)


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return httpx.URL(answer.headers["location"]).path


def refused(answer: httpx.Response) -> tuple[str, int]:
    """Return what a refusal says, and after how many seconds to ask again."""
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("application/x-votable+xml")
    status, words = status_of(answer)
    assert status == "ERROR"
    return words, int(answer.headers["Retry-After"])


def ended(service: Service, path: str) -> str:
    end = monotonic() + 60
    while (phase := service.get(f"{path}/phase").text) in {"QUEUED", "EXECUTING"} and monotonic() < end:
        sleep(0.05)
    return phase


def test_jobs_that_have_not_ended_are_counted_by_client(serve: Serve, tmp_path: Path):
    service = serve(tap_jobs_at_once=2)
    first, second = made(make(service)), made(make(service))
    folders = {path.name for path in (tmp_path / "tap").iterdir()}
    words, wait = refused(make(service, files={"x": ("x.vot", MIB)}))
    assert "2 of your jobs have not ended, and no more than 2 may be at once" in words
    assert "abort or delete one" in words
    assert wait == 60
    assert {path.name for path in (tmp_path / "tap").iterdir()} == folders, "what is refused leaves nothing"
    made(make(service, client=OTHER))
    service.send("POST", f"{first}/phase", data={"PHASE": "RUN"})
    assert ended(service, first) == "COMPLETED"
    third = made(make(service))
    refused(make(service))
    service.send("POST", f"{second}/phase", data={"PHASE": "ABORT"})
    made(make(service))
    refused(make(service))
    service.send("DELETE", third)
    made(make(service))


def test_jobs_that_are_kept_are_counted_by_client(serve: Serve, database: Database):
    service = serve(tap_jobs_kept=2)
    first, second = (made(make(service, PHASE="RUN")) for _ in range(2))
    assert [ended(service, path) for path in (first, second)] == ["COMPLETED", "COMPLETED"]
    words, wait = refused(make(service))
    assert "2 of your jobs are kept, and no more than 2 may be: delete one" in words
    assert 86_400 < wait <= 2 * 86_400
    made(make(service, client=OTHER))
    with database.begin() as connection:
        change = "UPDATE tap_job SET destruction_at = now() + interval '1 hour' WHERE job_id = :id"
        connection.execute(text(change), {"id": first.rsplit("/", 1)[1]})
    assert 3_500 < refused(make(service))[1] <= 3_600, "until the first of them goes"
    service.send("POST", f"{first}/destruction", data={"DESTRUCTION": "2020-01-01T00:00:00Z"})
    third = made(make(service))
    refused(make(service))
    service.send("DELETE", third)
    made(make(service))


def test_a_job_that_nobody_runs_any_more_takes_no_place(serve: Serve, database: Database, tmp_path: Path):
    service = serve(tap_jobs_at_once=1)
    lost = made(make(service)).rsplit("/", 1)[1]
    change = "UPDATE tap_job SET phase = 'EXECUTING', started_at = now(), backend = '1 2020-01-01' WHERE job_id = :id"
    with database.begin() as connection:
        connection.execute(text(change), {"id": lost})
    half = tmp_path / "tap" / lost / "answer"
    half.write_bytes(MIB)
    made(make(service))
    assert not half.exists(), "nor does what it had written"


def test_what_uploads_and_parameters_hold_is_counted_by_client(serve: Serve):
    service = serve(tap_kept_mib=2, body_limit_mib=16)
    upload = {"x": ("x.vot", MIB + b"x")}
    first = made(make(service, files=upload))
    words, wait = refused(make(service, files=upload))
    assert "with this job yours would hold more than 2 MiB: delete one" in words
    assert 86_400 < wait <= 2 * 86_400
    made(make(service, files=upload, client=OTHER))
    second = made(make(service))
    service.send("DELETE", first)
    third = made(make(service, files=upload))
    for path in (second, third):
        service.send("DELETE", path)
    noise = "".join(random.Random(1).choices([chr(0x4E00 + place) for place in range(20_000)], k=800_000))
    large = made(make(service, f"SELECT '{noise}'"))
    refused(make(service, files=upload))
    service.send("DELETE", large)
    made(make(service, files=upload))


def test_what_answers_hold_is_counted_and_an_answer_ends_where_no_room_is_left(serve: Serve, tmp_path: Path):
    service = serve(tap_kept_mib=2)
    first = made(make(service, LARGE, MAXREC="50000", PHASE="RUN"))  # more than 1 MiB
    assert ended(service, first) == "COMPLETED"
    assert (tmp_path / "tap" / first.rsplit("/", 1)[1] / "answer").stat().st_size > len(MIB)
    refused(make(service, files={"x": ("x.vot", MIB)}))
    second = made(make(service, LARGE, MAXREC="50000", PHASE="RUN"))
    assert ended(service, second) == "ERROR"
    words = status_of(service.get(f"{second}/error"))[1]
    assert "with this answer your jobs would hold more than 2 MiB: delete one, or ask for less" in words
    assert not (tmp_path / "tap" / second.rsplit("/", 1)[1] / "answer").exists(), "nothing of it stays"
    other = made(make(service, LARGE, MAXREC="50000", PHASE="RUN", client=OTHER))
    assert ended(service, other) == "COMPLETED"
    service.send("DELETE", first)
    third = made(make(service, LARGE, MAXREC="50000", PHASE="RUN"))
    assert ended(service, third) == "COMPLETED"


def test_nobody_sees_who_left_a_query_to_run(serve: Serve, database: Database):
    service = serve()
    path = made(make(service, PHASE="RUN"))
    assert ended(service, path) == "COMPLETED"
    parts = ("", "/phase", "/owner", "/parameters", "/results", "/results/result")
    seen = "".join(service.get(f"{path}{part}").text for part in parts)
    seen += "".join(service.get(page).text for page in ("/tap/async", "/tap/tables", "/v1/jobs", "/metrics"))
    with database.connect() as connection:
        [kept] = connection.execute(text("SELECT client FROM tap_job")).scalars()
    assert kept == digest_of(ME)
    assert kept not in seen
    assert ME not in seen
    assert service.get(f"{path}/owner").text == ""


def test_jobs_made_at_the_same_time_do_not_pass_the_limit(database: Database, tmp_path: Path):
    jobs = TapJobs(Database(database.url, size=12), tmp_path, threads=1, quota=QueryQuota(3, 100, 1 << 30))

    def one(client: str | None) -> bool:
        try:
            jobs.create({"QUERY": "SELECT 1"}, {}, client=client)
        except TooManyRequestsError:
            return False
        return True

    try:
        with ThreadPoolExecutor(12) as pool:
            assert sum(pool.map(one, [ME] * 12)) == 3
            assert sum(pool.map(one, [OTHER] * 2 + [None] * 5)) == 7
    finally:
        jobs.close()
    assert len(list(tmp_path.iterdir())) == 10
