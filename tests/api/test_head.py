"""HEAD says what GET would say."""

from __future__ import annotations

import pytest

from tests.support.http import Service


@pytest.mark.parametrize(
    "path",
    ["/v1/stars/sos:11", "/v1/cone?ra=0&dec=90&radius=1", "/v1/catalog?format=csv", "/v1/surveys", "/", "/healthz"],
)
def test_head_has_the_headers_of_get_and_no_body(service: Service, path: str):
    got, head = service.get(path), service.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length", "etag", "x-sos-version", "x-sos-rows"):
        assert head.headers.get(name) == got.headers.get(name)


def test_what_is_not_there_is_said_by_the_status_alone(service: Service):
    assert service.head("/v1/stars/sos:2").status_code == 404
