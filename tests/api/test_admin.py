"""Calibrations, jobs, publication and ingestion over HTTP, with a real worker behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.pipeline.mock import write_sky
from app.pipeline.requests import Requests
from app.storage import jobs, versions
from app.storage.engine import Database
from tests.support.administration import bearer, contents, events, make_key
from tests.support.http import Service, serving
from tests.support.means import means
from tests.support.universe import fill
from workers.main import run
from workers.means import Means


@pytest.fixture
def house(database: Database, tmp_path: Path):
    """A service on a universe that can be calibrated, its headers, and the means of its workers."""
    fill(database, stars=600)
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    headers = bearer(make_key(database, "calibrate", "publish", "ingest"))
    with serving(database, state=tmp_path, incoming=incoming, ingest_limit_mib=8) as service:
        yield service, headers, means(database, tmp_path), database


def work(means: Means) -> None:
    run(means, concurrency=0, wait=False)


def calibrate(service: Service, headers: dict[str, str], **body: object):
    return service.send("POST", "/v1/admin/calibrations", headers=headers, json=body)


def test_a_calibration_is_started_followed_and_published(house):
    service, headers, means, _ = house
    asked = calibrate(service, headers)
    assert asked.status_code == 202, asked.text
    number = asked.json()["job"]
    assert asked.headers["Location"].endswith(f"/v1/jobs/{number}")
    assert (asked.json()["kind"], asked.json()["version"], asked.json()["requested_by"]) == ("calibrate", 1, "tester")
    again = calibrate(service, headers)
    assert (again.status_code, again.json()["job"]) == (409, number)
    assert service.get("/v1/versions").json()["versions"][0]["state"] == "queued"
    work(means)
    job = service.get(f"/v1/jobs/{number}").json()
    assert (job["state"], job["result"]["version"]) == ("succeeded", 1)
    assert {step["state"] for step in job["steps"]} == {"done"}
    assert job["log"][-1]["message"] == "succeeded"
    assert service.get("/v1/catalog").status_code == 503
    served = service.send("POST", "/v1/admin/versions/1/publish", headers=headers)
    assert (served.status_code, served.json()) == (200, {"version": 1, "previous": None})
    assert service.get("/v1/catalog").headers["X-SoS-Version"] == "1"
    assert calibrate(service, headers, publish=True).status_code == 202
    work(means)
    assert service.get("/v1/catalog").headers["X-SoS-Version"] == "2"
    back = service.send("POST", "/v1/admin/versions/1/rollback", headers=headers)
    assert back.json() == {"version": 1, "previous": 2}
    assert service.get("/v1/catalog").headers["X-SoS-Version"] == "1"
    listed = service.get("/v1/jobs", limit=1).json()
    assert (listed["count"], listed["truncated"]) == (1, True)
    assert service.get(listed["next"]).json()["jobs"][0]["job"] == number


def test_events_tell_the_whole_story_of_a_job(house):
    service, headers, means, _ = house
    number = calibrate(service, headers).json()["job"]
    work(means)
    answer = service.get(f"/v1/jobs/{number}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    kinds = [lines[0].removeprefix("event: ") for lines in told]
    assert kinds[0] == "log"
    assert kinds[-1] == "end"
    assert json.loads(told[-1][1].removeprefix("data: "))["state"] == "succeeded"
    first = next(line for line in told[0] if line.startswith("id: ")).removeprefix("id: ")
    resumed = service.get(f"/v1/jobs/{number}/events", headers={"Last-Event-ID": first})
    assert resumed.text.count("event: log") == kinds.count("log") - 1
    assert service.get("/v1/jobs/99/events").status_code == 404


def test_a_job_is_cancelled_and_its_version_has_failed(house):
    service, headers, means, _ = house
    number = calibrate(service, headers).json()["job"]
    cancelled = service.send("DELETE", f"/v1/jobs/{number}", headers=headers)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["reason"] == "cancelled by tester"
    assert service.get("/v1/versions/1").json()["state"] == "failed"
    assert service.send("DELETE", f"/v1/jobs/{number}", headers=headers).status_code == 409
    assert service.send("DELETE", f"/v1/jobs/{number}").status_code == 401
    work(means)
    assert service.get(f"/v1/jobs/{number}").json()["state"] == "cancelled"


REFUSED = [
    ({"reference": {"teff": ["no_such"]}}, "plan.reference.teff", "there is no survey 'no_such'"),
    (
        {"stages": [{"name": "a", "surveys": ["apogee_dr18"]}]},
        "plan.stages[0].surveys",
        "there is no survey 'apogee_dr18'",
    ),
    ({"stages": [{"name": "a", "surveys": ["rave_dr6"]}]}, "plan.stages", "galah_dr3 is reference in part only"),
    (
        {"reference": {"teff": ["apogee_dr17"], "logg": ["lamost_lrs"], "feh": ["lamost_lrs"]}},
        "plan.reference",
        "the reference goes in a circle",
    ),
    ({"stages": [{"name": "a", "surveys": ["lamost_lrs", "lamost_lrs"]}]}, "plan.stages", "aligned twice"),
    ({"cuts": {"lamost_lrs": {"teff_min": 9000.0}}}, "plan.cuts.lamost_lrs", "no measurement of lamost_lrs lies"),
    ({"cuts": {"lamost_lrs": {"snr_min": 50, "snr_max": 20}}}, "plan.cuts.lamost_lrs.snr_min", "above snr_max"),
    ({"cuts": {"lamost_lrs": {"magic": 1}}}, "plan.cuts.lamost_lrs.magic", "unknown key"),
    ({"fit": {"fewest": 100}}, "plan.stages[2].surveys", "rave_dr6 has 40 stars in common"),
    ({"fit": {"direction": "sideways"}}, "plan.fit.direction", "must be one of forward, direct"),
    ({"sed": 1}, "plan.sed", "unknown key"),
]


@pytest.mark.parametrize(("plan", "key", "problem"), REFUSED, ids=[key for _, key, _ in REFUSED])
def test_a_plan_that_cannot_be_carried_out_is_refused_at_the_request(house, plan, key, problem):
    service, headers, _, database = house
    with database.connect() as connection:
        before = connection.exec_driver_sql("SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM version)").one()
    asked = calibrate(service, headers, plan=plan)
    assert asked.status_code == 422, asked.text
    assert asked.json()["errors"][0]["parameter"] == key
    assert problem in asked.json()["errors"][0]["detail"]
    with database.connect() as connection:
        after = connection.exec_driver_sql("SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM version)").one()
    assert before == after


def test_a_plan_with_cuts_uses_only_what_is_within(house):
    service, headers, means, database = house
    plan = {"name": "cool", "cuts": {"lamost_lrs": {"teff_max": 4800.0}}}
    assert calibrate(service, headers, plan=plan).status_code == 202
    work(means)
    with database.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT m.teff <= 4800 AS within, c.flags & 16 = 0 AS used FROM calibrated c JOIN measurement m "
            "USING (survey_id, measurement_id) JOIN survey s USING (survey_id) WHERE s.name = 'lamost_lrs'"
        ).all()
        version = versions.get(connection, 1)
    assert version.plan["cuts"] == {"lamost_lrs": {"teff_max": 4800.0}}
    assert {True, False} == {row.within for row in kept}
    assert all(row.within == row.used for row in kept)


def test_publishing_needs_its_own_scope(house):
    service, _, _, database = house
    calibrator = bearer(make_key(database, "calibrate"))
    refused = calibrate(service, calibrator, publish=True)
    assert (refused.status_code, "publish" in refused.json()["detail"]) == (403, True)
    assert calibrate(service, calibrator).status_code == 202


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky")
    write_sky(folder, stars=10_000, seed=3)
    return folder


def test_files_come_in_by_upload_and_by_name(database: Database, tmp_path: Path, sky: Path):
    incoming = tmp_path / "incoming"
    (incoming / "dr6").mkdir(parents=True)
    (incoming / "dr6" / "rave.vot").write_bytes((sky / "rave_dr6_madera.vot").read_bytes())
    (tmp_path / "secret.csv").write_text("no")
    (incoming / "way_out.csv").symlink_to(tmp_path / "secret.csv")
    headers = bearer(make_key(database, "ingest"))
    with serving(database, state=tmp_path, incoming=incoming, ingest_limit_mib=8) as service:

        def ingest(survey: str, **options):
            return service.send("POST", f"/v1/admin/surveys/{survey}/ingest", **{"headers": headers, **options})

        galah = (sky / "GALAH_DR3_main_allstar_v2.fits").read_bytes()
        raw = ingest("galah_dr3", params={"filename": "galah.fits"}, content=galah)
        form = ingest("small_a", files={"file": ("small_a.csv", (sky / "small_a.csv").read_bytes())})
        named = ingest("rave_dr6", json={"path": "dr6/rave.vot"})
        assert [answer.status_code for answer in (raw, form, named)] == [202, 202, 202], (raw.text, form.text)
        assert ingest("galah_dr3", params={"filename": "galah.fits"}, content=galah).status_code == 409
        run(means(database, tmp_path), concurrency=0, wait=False)
        done = [service.get(f"/v1/jobs/{answer.json()['job']}").json() for answer in (raw, form, named)]
        assert [job["state"] for job in done] == ["succeeded"] * 3
        assert all(job["result"]["rows_stored"] > 0 for job in done)
        assert list((tmp_path / "uploads").glob("*/*")) == []
        assert {row["name"] for row in service.get("/v1/surveys").json()["surveys"]} == {
            "galah_dr3",
            "small_a",
            "rave_dr6",
        }
        for path in ("../secret.csv", "way_out.csv", "/etc/passwd", "none.csv", "dr6"):
            outside = ingest("rave_dr6", json={"path": path})
            assert (outside.status_code, outside.json()["errors"][0]["parameter"]) == (422, "path"), path
        assert ingest("galah_dr9", params={"filename": "x.fits"}, content=galah).status_code == 404
        assert ingest("small_a", params={"filename": "../x.csv"}, content=b"a").status_code == 422
        assert ingest("small_a", params={"filename": "x.csv"}, content=b"").status_code == 422
        assert ingest("small_a", params={"filename": "x.csv"}, content=b"x" * (9 << 20)).status_code == 413
        assert list((tmp_path / "uploads").glob("*/*")) == []
        bad = ingest("small_a", params={"filename": "x.csv"}, content=b"nothing,of\n1,2\n")
        run(means(database, tmp_path), concurrency=0, wait=False)
        failed = service.get(f"/v1/jobs/{bad.json()['job']}").json()
        assert (failed["state"], "x.csv" in failed["reason"]) == ("failed", True)
    recorded = [event for event in events(database) if event.action == "survey.ingest" and event.status == 202]
    assert {event.parameters.get("filename", event.parameters.get("path")) for event in recorded} == {
        "galah.fits",
        "small_a.csv",
        "dr6/rave.vot",
        "x.csv",
    }
    assert contents(database)


def test_jobs_that_would_use_the_same_wait_for_each_other(database: Database):
    fill(database, stars=600)
    requests = Requests(database)
    first = requests.crossmatch()
    with database.begin() as connection:
        with pytest.raises(Exception, match="does the same"):
            requests.crossmatch()
        assert jobs.get(connection, first).state == "running"
    waiting = requests.cleanup()
    with database.connect() as connection:
        assert jobs.get(connection, waiting).state == "running"
