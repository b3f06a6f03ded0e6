"""`/tap/async`: jobs from their making to their end."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from time import monotonic, sleep

import httpx
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table
from sqlalchemy import text

from app.storage.engine import Database
from tests.vo.test_tap import as_votable, status_of

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
ENDLESS = (
    "SELECT COUNT(*) FROM sos.star a, sos.star b, sos.star c, sos.star d, sos.star e WHERE a.ra + b.ra + c.ra > d.dec"
)


def make(client: httpx.Client, query: str, **more: str) -> str:
    answer = client.post("/tap/async", data={"LANG": "ADQL", "QUERY": query, **more})
    assert answer.status_code == 303
    return httpx.URL(answer.headers["location"]).path


def job(client: httpx.Client, path: str, **query: str) -> dict[str, str | None]:
    root = ET.fromstring(client.get(path, params=query).raise_for_status().content)
    return {child.tag.removeprefix(UWS): child.text for child in root}


def ended(client: httpx.Client, path: str) -> str | None:
    """Wait for a job to end; return its phase."""
    end = monotonic() + 60
    while (phase := job(client, path, WAIT="20")["phase"]) in {"QUEUED", "EXECUTING"} and monotonic() < end:
        sleep(0.05)
    return phase


def test_a_job_waits_until_it_is_run_and_keeps_its_answer(client: httpx.Client):
    path = make(client, "SELECT star_id FROM sos.star", MAXREC="7", RUNID="mine")
    first = job(client, path)
    assert (first["phase"], first["runId"], first["startTime"]) == ("PENDING", "mine", None)
    assert client.get(f"{path}/results/result").status_code == 409
    assert client.post(f"{path}/phase", data={"PHASE": "RUN"}).status_code == 303
    assert ended(client, path) == "COMPLETED"
    root = ET.fromstring(client.get(path).content)
    [result] = root.iter(f"{UWS}result")
    answer = client.get(result.attrib["{http://www.w3.org/1999/xlink}href"])
    assert len(parse_single_table(io.BytesIO(answer.content)).array) == 7
    assert status_of(answer)[0] == "OVERFLOW"
    assert client.get(f"{path}/phase").text == "COMPLETED"
    assert client.post(f"{path}/phase", data={"PHASE": "RUN"}).status_code == 409
    assert client.request("DELETE", path).status_code == 303
    assert client.get(path).status_code == 404


def test_a_job_keeps_the_tables_that_came_with_it(client: httpx.Client):
    answer = client.post(
        "/tap/async",
        data={"LANG": "ADQL", "QUERY": "SELECT SUM(a) AS s FROM tap_upload.t", "UPLOAD": "t,param:x", "PHASE": "RUN",
              "RESPONSEFORMAT": "csv"},
        files={"x": ("../../x.vot", as_votable(Table({"a": [1, 2, 4]})))},
    )  # fmt: skip
    path = httpx.URL(answer.headers["location"]).path
    assert ended(client, path) == "COMPLETED"
    answer = client.get(f"{path}/results/result")
    assert answer.text.split() == ['"s"', "7"]
    at_once = client.get("/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT TOP 1 ra FROM sos.star"})
    assert answer.headers["X-SoS-Version"] == at_once.headers["X-SoS-Version"] != "none"
    client.post(path, data={"ACTION": "DELETE"})


@pytest.mark.parametrize(
    ("query", "words"),
    [("SELECT foo FROM sos.star", "there is no column 'foo'"), ("SELECT teff / 0 FROM sos.star", "division by zero")],
)
def test_a_job_that_fails_says_why(client: httpx.Client, query: str, words: str):
    path = make(client, query, PHASE="RUN")
    assert ended(client, path) == "ERROR"
    answer = client.get(f"{path}/error")
    assert words in status_of(answer)[1]
    client.request("DELETE", path)


def runs(database: Database) -> bool:
    """Say whether the server works on a user's query."""
    question = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%count(*)%'"
    with database.connect() as connection:
        return connection.execute(text(question)).scalar_one() > 0


def test_a_job_that_runs_can_be_stopped_and_its_query_with_it(client: httpx.Client, vo_database: Database):
    path = make(client, ENDLESS, PHASE="RUN")
    end = monotonic() + 30
    while not runs(vo_database) and monotonic() < end:
        sleep(0.02)
    assert runs(vo_database)
    assert client.post(f"{path}/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert job(client, path)["phase"] == "ABORTED"
    while runs(vo_database) and monotonic() < end:
        sleep(0.02)
    assert not runs(vo_database)
    assert job(client, path)["phase"] == "ABORTED"
    client.request("DELETE", path)


def test_a_job_past_its_time_is_stopped_and_says_so(client: httpx.Client):
    path = make(client, ENDLESS)
    client.post(f"{path}/executionduration", data={"EXECUTIONDURATION": "1"})
    assert client.get(f"{path}/executionduration").text == "1"
    client.post(path, data={"PHASE": "RUN"})
    assert ended(client, path) == "ERROR"
    assert "stopped by the time limit of 1 s" in status_of(client.get(f"{path}/error"))[1]
    client.request("DELETE", path)


def test_a_job_whose_runner_is_gone_ends_and_one_past_its_destruction_is_forgotten(
    client: httpx.Client, vo_database: Database
):
    lost, old = make(client, "SELECT 1"), make(client, "SELECT 1")
    change = "UPDATE tap_job SET phase = 'EXECUTING', started_at = now(), backend = '1 2020-01-01' WHERE job_id = :id"
    with vo_database.begin() as connection:
        connection.execute(text(change), {"id": lost.rsplit("/", 1)[1]})
    assert job(client, lost)["phase"] == "ERROR"
    assert "restarted" in status_of(client.get(f"{lost}/error"))[1]
    client.post(f"{old}/destruction", data={"DESTRUCTION": "2020-01-01T00:00:00Z"})
    make(client, "SELECT 1")
    assert client.get(old).status_code == 404


def test_a_job_past_its_destruction_is_gone_for_everybody_and_its_query_ends(
    client: httpx.Client, vo_database: Database
):
    path = make(client, ENDLESS, PHASE="RUN")
    end = monotonic() + 30
    while not runs(vo_database) and monotonic() < end:
        sleep(0.02)
    assert runs(vo_database)
    client.post(f"{path}/destruction", data={"DESTRUCTION": "2020-01-01T00:00:00Z"})
    for part in ("", "/phase", "/results/result", "/parameters"):
        assert client.get(f"{path}{part}").status_code == 404
    other = make(client, "SELECT 1")
    while runs(vo_database) and monotonic() < end:
        sleep(0.02)
    assert not runs(vo_database)
    client.request("DELETE", other)


def test_waiting_lasts_until_the_phase_is_another_one(client: httpx.Client):
    path = make(client, "SELECT 1")
    begun = monotonic()
    assert job(client, path, WAIT="1")["phase"] == "PENDING"
    assert monotonic() - begun >= 1
    begun = monotonic()
    assert job(client, path, WAIT="30", PHASE="QUEUED")["phase"] == "PENDING"
    client.post(path, data={"PHASE": "ABORT"})
    assert job(client, path, WAIT="30")["phase"] == "ABORTED"
    assert monotonic() - begun < 20
    client.request("DELETE", path)


def test_the_document_of_a_job_is_xml_whatever_its_parameters_hold(client: httpx.Client):
    path = make(client, "SELECT \x01<&\ufffe> 1", RUNID="a\x02b", PHASE="RUN")
    assert ended(client, path) == "ERROR"
    assert job(client, path)["runId"] == "ab"
    assert "SELECT &lt;&amp;&gt; 1" in client.get(f"{path}/parameters").text
    client.request("DELETE", path)


def test_a_phase_that_cannot_be_makes_no_job(client: httpx.Client, vo_database: Database):
    def jobs() -> int:
        with vo_database.connect() as connection:
            return connection.execute(text("SELECT count(*) FROM tap_job")).scalar_one()

    before = jobs()
    assert client.post("/tap/async", data={"LANG": "ADQL", "QUERY": "SELECT 1", "PHASE": "FLY"}).status_code == 400
    assert jobs() == before


@pytest.mark.parametrize(
    ("part", "value"),
    [("phase", "PENDING"), ("executionduration", "600"), ("quote", ""), ("owner", "")],
)
def test_the_parts_of_a_job(client: httpx.Client, part: str, value: str):
    path = make(client, "SELECT 1")
    assert client.get(f"{path}/{part}").text == value
    assert "SELECT 1" in client.get(f"{path}/parameters").text
    assert client.get(f"{path}/nothing").status_code == 404
    client.request("DELETE", path)


def test_parameters_can_be_changed_until_the_job_runs(client: httpx.Client):
    path = make(client, "SELECT 1")
    client.post(f"{path}/parameters", data={"QUERY": "SELECT 2 AS two", "RESPONSEFORMAT": "csv"})
    client.post(f"{path}/phase", data={"PHASE": "RUN"})
    assert ended(client, path) == "COMPLETED"
    assert client.get(f"{path}/results/result").text.split() == ['"two"', "2"]
    assert client.post(f"{path}/parameters", data={"QUERY": "SELECT 3"}).status_code == 409
    client.request("DELETE", path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"PHASE": "FLY"}, "PHASE: is RUN or ABORT"),
        ({"EXECUTIONDURATION": "long"}, "is a number of seconds"),
        ({"DESTRUCTION": "soon"}, "is a time such as"),
    ],
)
def test_changes_that_cannot_be_are_named(client: httpx.Client, data: dict[str, str], words: str):
    path = make(client, "SELECT 1")
    answer = client.post(path, data=data)
    assert answer.status_code == 400
    assert words in status_of(answer)[1]
    client.request("DELETE", path)


def test_jobs_are_known_to_their_makers_alone(client: httpx.Client):
    path = make(client, "SELECT 1")
    assert path.rsplit("/", 1)[1] not in client.get("/tap/async").text
    assert client.get("/tap/async/../../etc/passwd").status_code in {400, 404}
    assert client.get("/tap/async/nothing").status_code == 404
    client.request("DELETE", path)
