"""`/openapi.json`, `/docs` and the first page: every call with an example, every asset from here."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter

from app.api.models import (
    access,
    conversion,
    diffs,
    examples,
    homogenize,
    homogenize_examples,
    pages,
    provenance,
    stars,
    surveys,
    versions,
)
from app.domain.files import FileFormat
from app.web.pages import target
from tests.support.http import Service

CONTRACT = [
    "/v1/stars/{id}",
    "/v1/stars/{id}/provenance",
    "/v1/cone",
    "/v1/region",
    "/v1/catalog",
    "/v1/surveys",
    "/v1/surveys/{name}",
    "/v1/surveys/{name}/measurements",
    "/v1/surveys/{name}/coverage",
    "/v1/surveys/{name}/rejects",
    "/v1/versions",
    "/v1/versions/{v}",
    "/v1/versions/{v}/models",
    "/v1/versions/{v}/validation",
    "/v1/versions/{v}/diff/{w}",
    "/v1/versions/{v}/provenance",
    "/v1/admin/keys",
    "/v1/admin/audit",
    "/healthz",
    "/readyz",
    "/metrics",
]


def test_every_call_of_the_contract_is_described_with_an_example(service: Service):
    description = service.get("/openapi.json").json()
    for path in CONTRACT:
        call = description["paths"][path]["get"]
        assert call["description"], path
        if path != "/healthz":
            assert any("example" in content for content in call["responses"]["200"]["content"].values()), path
            assert "application/problem+json" in call["responses"]["503"]["content"], path
    assert "HTTPValidationError" not in description["components"]["schemas"]


@pytest.mark.parametrize("form", list(FileFormat))
def test_every_kind_of_file_is_documented_where_it_is_sent(service: Service, form: FileFormat):
    calls = service.get("/openapi.json").json()["paths"]
    for path, method, name in (
        ("/v1/catalog", "get", ""),
        ("/v1/region", "get", ""),
        ("/v1/region", "post", ""),
        ("/v1/surveys/{name}/measurements", "get", "gamma"),
        ("/v1/match", "post", ""),
    ):
        if method == "get":
            region = {"healpix": "0/4"} if path == "/v1/region" else {}
            answer = service.get(path.format(name=name), format=form.value, **region)
        else:
            answer = service.post(path, "id\nsos:11\n" if path == "/v1/match" else "0/4", format=form.value)
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] in calls[path][method]["responses"]["200"]["content"]


@pytest.mark.parametrize("path", ["/v1/stars", "/v1/region", "/v1/match", "/v1/convert", "/v1/homogenize"])
def test_every_call_with_a_body_is_described_with_examples_of_both(service: Service, path: str):
    call = service.get("/openapi.json").json()["paths"][path]["post"]
    assert call["requestBody"]["required"]
    for media_type, content in call["requestBody"]["content"].items():
        assert "example" in content or media_type == "multipart/form-data"
    assert any("example" in content for content in call["responses"]["200"]["content"].values())
    assert "application/problem+json" in call["responses"]["413"]["content"]


@pytest.mark.parametrize(
    ("shape", "example"),
    [
        (stars.StarAnswer, examples.STAR),
        (pages.StarPage, examples.CONE),
        (pages.StarPage, examples.CATALOG),
        (pages.StarPage, examples.REGION),
        (pages.StarList, examples.STARS),
        (pages.MeasurementPage, examples.MEASUREMENTS),
        (pages.RejectPage, examples.REJECTS),
        (conversion.Conversion, examples.CONVERSION),
        (surveys.SurveyList, examples.SURVEYS),
        (surveys.SurveyDetail, examples.SURVEY),
        (versions.VersionList, examples.VERSIONS),
        (versions.VersionDetail, examples.VERSION),
        (versions.ModelList, examples.MODELS),
        (versions.ValidationAnswer, examples.VALIDATION),
        (diffs.DiffAnswer, examples.DIFF),
        (provenance.ProvAnswer, examples.PROVENANCE),
        (access.KeyList, examples.KEYS),
        (access.NewKeyAnswer, examples.NEW_KEY),
        (access.KeyAnswer, examples.REVOKED_KEY),
        (access.AuditPage, examples.AUDIT),
        (homogenize.HomogenizeAnswer, homogenize_examples.TABLE),
        (homogenize.HomogenizeAnswer, homogenize_examples.QUEUED_TABLE),
        (homogenize.LookAnswer, homogenize_examples.LOOK),
    ],
)
def test_examples_have_the_shape_of_answers(shape: type, example: dict):
    TypeAdapter(shape).validate_python(example, extra="forbid")


def test_the_pages_take_nothing_from_elsewhere(service: Service):
    for path in ("/docs", "/"):
        page = service.get(path)
        assert page.status_code == 200
        links = re.findall(r'(?:src|href|url)\s*[=:]\s*["\']([^"\']+)', page.text)
        assert links
        for link in links:
            assert link.startswith(("/", "data:")), link
            if link.startswith("/docs/"):
                assert service.get(link).status_code == 200


def test_the_first_page_says_what_is_served(service: Service):
    text = service.get("/").text
    assert 'Version <a href="/v1/versions/2">2</a>' in text
    assert "alpha_dr1" in text
    assert "300" in text


@pytest.mark.parametrize(
    ("typed", "call"),
    [
        ("sos:11", "/v1/stars/sos%3A11"),
        (" alpha_dr1:A/0 +1 ", "/v1/stars/alpha_dr1%3AA%2F0%20%2B1"),
        ("150 2", "/v1/cone?ra=150&dec=2&radius=1&unit=arcmin"),
        ("150.0, +2.0", "/v1/cone?ra=150.0&dec=%2B2.0&radius=1&unit=arcmin"),
        ("10:00:00 +02:00:00", "/v1/cone?ra=10%3A00%3A00&dec=%2B02%3A00%3A00&radius=1&unit=arcmin"),
        ("10 00 00 2 00 00", "/v1/cone?ra=10+00+00&dec=2+00+00&radius=1&unit=arcmin"),
    ],
)
def test_search_leads_to_the_call_that_answers(service: Service, typed: str, call: str):
    assert target(typed) == call
    answer = service.get("/search", q=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, call)
    assert service.get(call).status_code == 200


def test_a_search_for_nothing_says_what_may_be_searched(service: Service):
    answer = service.get("/search", q="the moon")
    assert answer.status_code == 422
    assert "neither an identifier" in answer.json()["detail"]


def test_a_path_that_does_not_exist_is_a_problem(service: Service):
    answer = service.get("/v1/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
