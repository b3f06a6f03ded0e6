"""Errors name what is wrong and what would be right, also where a body is no JSON, not the right JSON, or too long."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.http import Service

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "media_type", "parameter", "words"),
    [
        (b'{"format":', JSON, "body", "must be JSON: Expecting value"),
        (b"[]", JSON, "body", "must be a JSON object"),
        (b'{"format": "csv"}', "text/plain", "body", "sent as application/json"),
        (b'{"format": "csv", "raduis": 1}', JSON, "raduis", "it takes version, limit, after, format, columns"),
    ],
)
def test_a_body_that_does_not_fit_is_named(service: Service, body: bytes, media_type: str, parameter: str, words: str):
    answer = service.post("/v1/exports", body, media_type)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


def test_a_call_without_parameters_says_that_it_takes_none(service: Service):
    assert service.get("/v1/versions", foo="1").json()["detail"] == "foo: is no parameter of this call; it takes none"


def test_what_was_sent_is_repeated_in_part_only(service: Service):
    detail = service.get("/v1/catalog", teff_min="x" * 5000).json()["detail"]
    assert len(detail) < 300


def test_a_body_that_grows_too_long_is_refused_as_one_that_says_so(service: Service):
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"format": "csv", "columns": "'
        for _ in range(100):
            yield b"x" * (1 << 16)

    answer = service.post("/v1/exports", endless(), JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "4 MiB" in answer.json()["detail"]
