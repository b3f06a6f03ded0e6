"""Nothing is cut off without a word: who asks for more than a call gives is told so, and how to get the rest."""

from __future__ import annotations

import json

import pytest

from app.domain import conversions
from app.domain.catalog import LARGEST_PAGE
from app.domain.id_lists import MOST_IDS
from app.domain.matches import MOST_ROWS
from app.domain.pixels import MOST_RANGES
from app.main import app
from tests.support.catalogue import N_STARS
from tests.support.http import Service

# Calls that give pages: the list in the answer, and a query that finds more than one row.
PAGES = {
    "GET /v1/cone": ("stars", {"ra": 0, "dec": 0, "radius": 180}),
    "GET /v1/region": ("stars", {"healpix": "0/4"}),
    "POST /v1/region": ("stars", {}),
    "GET /v1/catalog": ("stars", {}),
    "GET /v1/surveys/{name}/measurements": ("measurements", {}),
    "GET /v1/surveys/{name}/rejects": ("rejects", {}),
    "GET /v1/versions/{v}/diff/{w}": ("stars", {"sigma": 0}),
}
# Tests of administration read these, with a key.
PAGES_OF_ADMINISTRATION = {"GET /v1/admin/audit", "GET /v1/jobs"}
FILES = ("/v1/catalog", "/v1/region", "/v1/surveys/alpha_dr1/measurements")
VALUES = {"name": "alpha_dr1", "v": "1", "w": "2"}


def ask(service: Service, call: str, query: dict):
    method, _, path = call.partition(" ")
    path = path.format(**VALUES)
    return service.get(path, **query) if method == "GET" else service.post(path, "0/0-11", **query)


def test_every_call_with_a_limit_is_looked_at():
    limited = {
        f"{method.upper()} {path}"
        for path, calls in app.openapi()["paths"].items()
        for method, call in calls.items()
        if any(parameter["name"] == "limit" for parameter in call.get("parameters", ()))
    }
    assert limited == set(PAGES) | PAGES_OF_ADMINISTRATION


@pytest.mark.parametrize("call", PAGES)
def test_a_page_that_is_not_the_last_says_so_and_where_the_next_is(service: Service, call: str):
    name, query = PAGES[call]
    whole = ask(service, call, query | {"limit": LARGEST_PAGE}).json()
    assert (whole["truncated"], whole["next"]) == (False, None)
    assert whole["count"] == len(whole[name]) > 1
    first = ask(service, call, query | {"limit": 1}).json()
    assert (first["truncated"], first["count"]) == (True, 1)
    assert first["next"].startswith("http://sos.test/v1/")
    most = ask(service, call, query | {"limit": whole["count"] - 1}).json()
    assert most["truncated"] is True


@pytest.mark.parametrize("call", PAGES)
def test_a_page_larger_than_may_be_is_refused(service: Service, call: str):
    answer = ask(service, call, PAGES[call][1] | {"limit": LARGEST_PAGE + 1})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "limit")
    assert f"less than or equal to {LARGEST_PAGE}" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow", "fits", "votable"])
@pytest.mark.parametrize("path", FILES)
def test_a_file_says_how_many_rows_it_has(service: Service, path: str, form: str):
    region = {"moc": "0/0-11"} if path == "/v1/region" else {}
    answer = service.get(path, format=form, **region)
    assert answer.headers["X-SoS-Rows"] == str(N_STARS)
    assert service.get(path, format=form, limit=1, **region).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "limit"),
    [
        ("/v1/stars", json.dumps(["sos:11"] * (MOST_IDS + 1)), f"{MOST_IDS:,}"),
        ("/v1/match", "id\n" + "1\n" * (MOST_ROWS + 1), f"{MOST_ROWS:,}"),
        (
            "/v1/convert?from=x",
            "teff,logg,feh\n" + "1,1,1\n" * (conversions.MOST_ROWS + 1),
            f"{conversions.MOST_ROWS:,}",
        ),
        ("/v1/region", "29/" + " ".join(str(2 * pixel) for pixel in range(MOST_RANGES + 1)), f"{MOST_RANGES:,}"),
        ("/v1/stars", "x" * ((4 << 20) + 1), "4 MiB"),
        ("/v1/region", "x" * ((4 << 20) + 1), "4 MiB"),
        ("/v1/match", "x" * ((64 << 20) + 1), "64 MiB"),
        ("/v1/convert", "x" * ((64 << 20) + 1), "64 MiB"),
    ],
)
def test_a_body_over_a_limit_is_refused_and_the_limit_named(service: Service, path: str, body: str, limit: str):
    answer = service.post(path, body)
    assert answer.status_code in {413, 422}
    assert limit in answer.json()["detail"]
