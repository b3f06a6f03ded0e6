"""`POST /v1/stars`: every identifier is answered, in order, by its star or by why there is none."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from app.api.models.pages import StarList
from app.domain.id_lists import MOST_IDS
from app.storage.engine import Database
from tests.support.catalogue import BIG_NUMBER, Truth
from tests.support.http import Service, serving


def ask(service: Service, ids: list[Any], **query: Any) -> httpx.Response:
    return service.post("/v1/stars", json.dumps(ids), "application/json", **query)


def test_every_kind_of_identifier_finds_its_star_in_order_and_as_often_as_asked(service: Service, truth: Truth):
    wanted = {
        f"sos:{truth.star_id[5]}": 5,
        f"gaia:{truth.gaia[0]}": 0,
        str(truth.gaia[299 - 1]): 298,
        f"beta_dr2:{truth.object_id('beta_dr2', 7)}": 14,
        f"gamma:{truth.object_id('gamma', 2)}": 14,
        " sos:11 ": 0,
    }
    ids = [*wanted, *reversed(wanted)]
    answer = ask(service, ids)
    body = answer.json()
    assert [row["id"] for row in body["stars"]] == ids
    assert [row["star_id"] for row in body["stars"]] == [str(truth.star_id[wanted[name]]) for name in ids]
    assert [row["gaia_dr3_source_id"] for row in body["stars"][:2]] == [str(truth.gaia[5]), str(truth.gaia[0])]
    assert (body["count"], body["unknown"], body["truncated"], body["version"]) == (12, [], False, 2)
    assert answer.headers["X-SoS-Version"] == "2"
    TypeAdapter(StarList).validate_json(answer.content, strict=True)
    assert ask(service, ids, version=1).json()["stars"][1]["teff"] == 4100


def test_numbers_beyond_two_to_the_53_are_exact(service: Service, truth: Truth):
    last = int(truth.gaia[298])
    body = ask(service, [last, last - 1, last + 2, BIG_NUMBER]).json()
    assert [row["gaia_dr3_source_id"] for row in body["stars"]] == [str(last), str(last - 1)]
    assert [one["id"] for one in body["unknown"]] == [str(last + 2), str(BIG_NUMBER)]


def test_what_names_no_star_is_listed_with_its_place_and_why(service: Service):
    ids = ["sos:12", "sos:11", "moon", "delta:7", "gamma:7", "", "sos:12", "gaia:99999999999999999999"]
    body = ask(service, ids).json()
    assert [row["id"] for row in body["stars"]] == ["sos:11"]
    assert [(one["place"], one["id"]) for one in body["unknown"]] == [
        (place, name) for place, name in enumerate(ids) if name != "sos:11"
    ]
    reasons = [one["detail"] for one in body["unknown"]]
    assert reasons[0] == "version 2 has no star sos:12"
    assert "names no star; write gaia:" in reasons[1]
    assert "no survey 'delta'" in reasons[2]
    assert reasons[3] == "version 2 has no star gamma:7"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        ("sos:11\nsos:14\nsos:12\n", "text/plain"),
        ("star_id\r\nsos:11\r\n\r\n sos:14\r\nsos:12", "text/csv"),
        ('\ufeffID\n"sos:11"\nsos:14\nsos:12', "text/csv; charset=utf-8"),
        ('["sos:11", "sos:14", "sos:12"]', "application/json"),
        ('["sos:11", "sos:14", "sos:12"]', ""),
    ],
)
def test_lists_come_in_files_too(service: Service, content: str, media_type: str):
    body = service.post("/v1/stars", content.encode(), media_type, columns="teff").json()
    assert body["stars"] == [{"id": "sos:11", "teff": 4200}, {"id": "sos:14", "teff": 4201}]
    assert [(one["place"], one["id"]) for one in body["unknown"]] == [(2, "sos:12")]


def form(*parts: tuple[str, str]) -> str:
    lines = [
        f'--x\r\ncontent-disposition: form-data; name="{name}"{rest}\r\n\r\nsos:11\nsos:14\r\n' for name, rest in parts
    ]
    return "".join(lines) + "--x--\r\n"


def test_a_form_with_one_file_is_a_list(service: Service):
    kind = "multipart/form-data; boundary=x"
    body = service.post("/v1/stars", form(("file", '; filename="ids.txt"')), kind, columns="teff").json()
    assert body["stars"] == [{"id": "sos:11", "teff": 4200}, {"id": "sos:14", "teff": 4201}]
    two = form(("a", '; filename="a"'), ("b", '; filename="b"'))
    for wrong in (form(("a", "")), form(), two, "nothing"):
        answer = service.post("/v1/stars", wrong, kind)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "body")


def test_ten_thousand_are_answered_and_one_more_is_refused(service: Service, truth: Truth):
    ids = [f"gaia:{truth.gaia[place % 9]}" for place in range(MOST_IDS)]
    body = ask(service, ids, columns="star_id").json()
    assert body["count"] == MOST_IDS
    assert [row["id"] for row in body["stars"]] == ids
    for content, kind in ((json.dumps([*ids, "x"]), "application/json"), ("\n".join([*ids, "x"]), "text/csv")):
        answer = service.post("/v1/stars", content, kind)
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:sos:problem:too-large")
        assert "10,000 identifiers at most, got 10,001" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "media_type", "words"),
    [
        ("{}", "application/json", "must be a JSON array"),
        ("", "application/json", "no JSON"),
        ("[1.5]", "application/json", "item 0 must be a text"),
        ("[null]", "application/json", "item 0 must be a text"),
        ('["sos:1", "\\ud800"]', "application/json", "item 1 holds characters"),
        ('["a\\u0000:1"]', "application/json", "item 0 holds characters"),
        ("sos:11,4200", "text/csv", "line 1 has 2 columns"),
        ("sos:11\n\0", "text/csv", "characters that no identifier has"),
        (b"\xff", "text/csv", "UTF-8"),
    ],
)
def test_what_is_no_list_is_refused(service: Service, content: str, media_type: str, words: str):
    answer = service.post("/v1/stars", content, media_type)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "ids"
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_however_it_comes(
    catalogue_database: Database, truth: Truth, *, chunked: bool
):
    async def pieces():
        for _ in range(3):
            yield b"sos:11\n" * 100_000

    with serving(catalogue_database, body_limit_mib=1) as service:
        answer = service.post("/v1/stars", pieces() if chunked else b"x" * (1 << 20) + b"x")
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert "1 MiB at most" in answer.json()["detail"]
        assert service.post("/v1/stars", b"\n" * (1 << 20)).status_code == 200
