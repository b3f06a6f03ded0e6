"""Pages of other sites read the service, see what its headers say, and cannot administer it."""

from __future__ import annotations

import pytest

from app.api.cross_origin import allowed
from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.http import Service, serving

SITE = {"Origin": "https://aladin.example"}


def preflight(service: Service, path: str, method: str, headers: str = ""):
    """Ask as a browser does before a request that is more than a simple one."""
    asked = {**SITE, "Access-Control-Request-Method": method}
    return service.send(
        "OPTIONS", path, headers=asked | ({"Access-Control-Request-Headers": headers} if headers else {})
    )


def test_any_page_reads_stars_and_sees_the_version(service: Service, truth: Truth):
    answer = service.get(f"/v1/stars/sos:{truth.star_id[5]}", headers=SITE)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"X-SoS-Version", "X-SoS-Rows", "Content-Range"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Access-Control-Allow-Origin" not in service.get(f"/v1/stars/sos:{truth.star_id[5]}").headers


@pytest.mark.parametrize("path", ["/v1/stars/sos:0", "/v1/cone", "/nothing", "/tap/sync?LANG=ADQL&QUERY=x"])
def test_errors_are_read_too(service: Service, path: str):
    answer = service.get(path, headers=SITE)
    assert answer.status_code >= 400
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/v1/match", "POST", "content-type", 200),
        ("/v1/exports/1/file", "GET", "range, if-range", 200),
        ("/tap/async/x", "DELETE", "", 200),
        ("/v1/admin/calibrations", "POST", "authorization", 400),
        ("/v1/admin/keys/1", "PUT", "", 400),
    ],
)
def test_a_page_may_ask_what_anybody_may(service: Service, path: str, method: str, headers: str, status: int):
    assert preflight(service, path, method, headers).status_code == status


def test_the_sites_can_be_chosen(catalogue_database: Database, truth: Truth):
    path = f"/v1/stars/sos:{truth.star_id[5]}"
    with serving(catalogue_database, allow_origins="https://aladin.example, https://other.example/") as service:
        answer = service.get(path, headers=SITE)
        assert answer.headers["Access-Control-Allow-Origin"] == SITE["Origin"]
        assert (
            "Access-Control-Allow-Origin" not in service.get(path, headers={"Origin": "https://third.example"}).headers
        )
    with serving(catalogue_database, allow_origins="") as service:
        assert "Access-Control-Allow-Origin" not in service.get(path, headers=SITE).headers


def test_slashes_and_blanks_do_not_matter():
    assert allowed(" https://a.example/ ,,https://b.example")["allow_origins"] == [
        "https://a.example",
        "https://b.example",
    ]
