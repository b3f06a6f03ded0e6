"""`/v1/versions`, and what `?version=` and publishing mean for a reader."""

from __future__ import annotations

import itertools
import threading

import pytest
from pydantic import TypeAdapter

from app.api.models.versions import ModelList, ValidationAnswer, VersionDetail, VersionList
from app.storage import versions
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.catalogue import N_STARS, Truth
from tests.support.http import Service, serving


def test_every_version_is_listed_newest_first(service: Service):
    answer = service.get("/v1/versions")
    TypeAdapter(VersionList).validate_json(answer.content, extra="forbid")
    body = answer.json()
    assert body["current"] == 2
    assert [(one["version"], one["state"], one["current"]) for one in body["versions"]] == [
        (2, "published", True),
        (1, "retired", False),
    ]


@pytest.mark.parametrize(("name", "number"), [("1", 1), ("2", 2), ("current", 2)])
def test_a_version_says_what_it_was_made_of(service: Service, name: str, number: int):
    answer = service.get(f"/v1/versions/{name}")
    TypeAdapter(VersionDetail).validate_json(answer.content, extra="forbid")
    body = answer.json()
    assert answer.headers["X-SoS-Version"] == str(number)
    assert (body["version"], body["n_stars"], body["seed"]) == (number, N_STARS, str(2**60))
    assert (body["plan"], body["software"]) == ({"name": "test"}, {"sos": "0"})


def test_models_have_checksums(service: Service):
    answer = service.get("/v1/versions/1/models")
    TypeAdapter(ModelList).validate_json(answer.content, extra="forbid")
    models = answer.json()["models"]
    assert [(one["survey"], one["parameter"]) for one in models[:3]] == [
        ("alpha_dr1", "teff"),
        ("alpha_dr1", "logg"),
        ("alpha_dr1", "feh"),
    ]
    assert {len(one["sha256"]) for one in models} == {64}


def test_the_report_and_its_figures_are_served(service: Service):
    answer = service.get("/v1/versions/current/validation")
    TypeAdapter(ValidationAnswer).validate_json(answer.content, extra="forbid")
    body = answer.json()
    assert (body["version"], body["report"]) == (2, {"pairs": [1]})
    [figure] = body["figures"]
    picture = service.get(figure["url"])
    assert (picture.content, picture.headers["content-type"]) == (b"\x89PNG\r\n", "image/png")
    assert service.get("/v1/versions/2/validation/figures/none.svg").status_code == 404


@pytest.mark.parametrize("path", ["9", "9/models", "9/validation", "9/validation/figures/offsets.png"])
def test_an_unknown_version_is_named(service: Service, path: str):
    answer = service.get(f"/v1/versions/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:sos:problem:unknown-version")
    assert "9" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["0", "-1", "one", "1.0", "99999999999"])
def test_a_version_that_is_no_number_is_refused(service: Service, name: str):
    answer = service.get(f"/v1/versions/{name}")
    assert answer.status_code == 422
    assert "from 1, or 'current'" in answer.json()["detail"]


READ_CALLS = [
    "/v1/stars/sos:11",
    "/v1/stars/sos:11/provenance",
    "/v1/cone?ra=0&dec=90&radius=1",
    "/v1/catalog",
    "/v1/catalog?format=csv",
    "/v1/catalog?format=parquet",
    "/v1/surveys",
    "/v1/surveys/gamma",
    "/v1/surveys/gamma/rejects",
    "/v1/surveys/gamma/measurements",
    "/v1/surveys/gamma/measurements?format=csv",
]


@pytest.mark.parametrize("path", READ_CALLS)
def test_every_read_call_takes_a_version(service: Service, path: str):
    mark = "&" if "?" in path else "?"
    for asked, served in (("1", "1"), ("2", "2"), ("current", "2")):
        answer = service.get(f"{path}{mark}version={asked}")
        assert (answer.status_code, answer.headers["X-SoS-Version"]) == (200, served)
    missing = service.get(f"{path}{mark}version=9")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:sos:problem:unknown-version")


@pytest.mark.parametrize("path", READ_CALLS[:6])
def test_an_answer_under_a_version_number_never_changes(service: Service, path: str):
    mark = "&" if "?" in path else "?"
    fixed = service.get(f"{path}{mark}version=1")
    assert "immutable" in fixed.headers["cache-control"]
    again = service.get(f"{path}{mark}version=1", headers={"If-None-Match": fixed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    moving = service.get(path)
    assert moving.headers["cache-control"] == "no-cache"
    other = service.get(path, headers={"If-None-Match": fixed.headers["etag"]})
    assert (other.status_code, other.headers["etag"]) == (200, moving.headers["etag"])


def test_a_publish_is_seen_at_once_and_the_old_version_stays(database: Database):
    truth = catalogue.build(database)
    with serving(database) as service:
        before = read_all(service, truth)
        catalogue.add_version(database, truth, publish=False)
        assert read_all(service, truth) == before, "a version that is not published changes nothing"
        unpublished = service.get("/v1/stars/sos:11", version=2)
        assert unpublished.json()["teff"]["value"] == 4200, "but it can be asked for"
        publish(database, 2)
        assert [versions_of(answers) for answers in read_all(service, truth)] == [{"2"}] * 4
        assert read_all(service, truth, version=1) == before
        publish(database, 1)
        assert read_all(service, truth) == before


def test_readers_see_one_version_or_the_other_never_a_mixture(database: Database):
    catalogue.build(database, n_versions=2)
    done = threading.Event()

    def flip() -> None:
        for version in itertools.cycle((1, 2)):
            publish(database, version)
            if done.is_set():
                return

    with serving(database) as service:
        writer = threading.Thread(target=flip)
        writer.start()
        try:
            seen: list[str] = []
            while len(seen) < 100 or len(set(seen)) < 2:
                answer = service.get("/v1/cone", ra=150, dec=2, radius=90)
                assert {str(row["version"]) for row in answer.json()["stars"]} == {answer.headers["X-SoS-Version"]}
                star = service.get("/v1/stars/sos:11").json()
                calibrated = {one["teff"]["calibrated"]["value"] for one in star["contributions"]}
                assert {star["teff"]["value"], *calibrated} == {4000 + 100 * star["version"]}
                seen.append(answer.headers["X-SoS-Version"])
        finally:
            done.set()
            writer.join()


@pytest.mark.parametrize("state", ["queued", "running", "failed"])
def test_a_version_that_is_not_complete_is_not_served(database: Database, state: str):
    truth = catalogue.build(database)
    number = catalogue.add_version(database, truth, publish=False)
    with database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE version SET state = '{state}' WHERE version_id = {number}")
    with serving(database) as service:
        for path in READ_CALLS[:5]:
            answer = service.get(path, version=number) if "?" not in path else service.get(f"{path}&version={number}")
            assert answer.status_code == 404
            assert f"version 2 is {state}" in answer.json()["detail"]
        assert service.get(f"/v1/versions/{number}").json()["state"] == state


def test_before_the_first_publication_reading_is_refused_and_the_rest_answers(database: Database):
    truth = catalogue.build(database, n_versions=0)
    with serving(database) as service:
        for path in (*READ_CALLS[:6], *READ_CALLS[9:], "/readyz"):
            answer = service.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert "published" in answer.json()["detail"]
        assert service.get("/v1/versions").json() == {"current": None, "versions": []}
        survey = service.get("/v1/surveys/alpha_dr1")
        assert survey.headers["X-SoS-Version"] == "none"
        assert (survey.json()["n_measurements"], survey.json()["overlaps"]) == (N_STARS, None)
        assert "No calibration version has been published yet" in service.get("/").text
        catalogue.add_version(database, truth)
        assert service.get("/v1/stars/sos:11").json()["version"] == 1


def publish(database: Database, version: int) -> None:
    with database.begin() as connection:
        versions.publish(connection, version)


def read_all(service: Service, truth: Truth, **query: int) -> list[list[tuple[str, bytes]]]:
    """Return what a few calls answer, with the version of each."""
    calls = [("/v1/stars/sos:11", {}), ("/v1/cone", {"ra": 0, "dec": 90, "radius": 5})]
    calls += [("/v1/catalog", {"teff_max": 4210}), ("/v1/catalog", {"format": "csv"})]
    answers = [service.get(path, **parameters, **query) for path, parameters in calls]
    return [[(answer.headers["X-SoS-Version"], answer.content)] for answer in answers]


def versions_of(answers: list[tuple[str, bytes]]) -> set[str]:
    return {version for version, _ in answers}
