"""`/scs`: the stars that `/v1/cone` finds, as Simple Cone Search 1.03 has them."""

from __future__ import annotations

import io

import httpx
import pytest
from astropy.io.votable import parse_single_table

from tests.vo.test_tap import status_of


def search(client: httpx.Client, **query: object) -> object:
    answer = client.get("/scs", params=query)
    assert answer.status_code == 200
    return parse_single_table(io.BytesIO(answer.content))


@pytest.mark.parametrize(("ra", "dec", "radius"), [(0, 90, 0.01), (359.9999, 10, 0.5), (77, -33, 25), (150, 2, 180)])
def test_a_cone_holds_the_stars_of_the_cone_call_in_its_order(
    client: httpx.Client, ra: float, dec: float, radius: float
):
    rows = client.get("/v1/cone", params={"ra": ra, "dec": dec, "radius": radius}).json()["stars"]
    table = search(client, RA=ra, DEC=dec, SR=radius).to_table()
    assert table["star_id"].tolist() == [row["star_id"] for row in rows]
    assert table["ra"].tolist() == [row["ra"] for row in rows]


@pytest.mark.parametrize("verbosity", ["1", "2", "3"])
def test_every_verbosity_has_the_columns_of_the_standard(client: httpx.Client, verbosity: str):
    table = search(client, RA=150, DEC=2, SR=1, VERB=verbosity)
    kinds = {field.ucd: field.datatype for field in table.fields}
    assert kinds["ID_MAIN"] == "char"
    assert kinds["POS_EQ_RA_MAIN"] == kinds["POS_EQ_DEC_MAIN"] == "double"
    assert len(table.fields) == {"1": 8, "2": 14, "3": 28}[verbosity]


def test_a_radius_of_zero_gives_the_columns(client: httpx.Client):
    assert len(search(client, RA=12, DEC=34, SR=0).fields) == 14


def test_a_cut_answer_says_so(client: httpx.Client):
    answer = client.get("/scs", params={"RA": 150, "DEC": 2, "SR": 90, "MAXREC": 3})
    assert status_of(answer)[0] == "OVERFLOW"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "RA: is required"),
        ({"RA": 1, "DEC": 2}, "SR: is required"),
        ({"RA": "x", "DEC": 2, "SR": 1}, "are decimal degrees"),
        ({"RA": "1_0", "DEC": 2, "SR": 1}, "are decimal degrees"),
        ({"RA": 1, "DEC": 91, "SR": 1}, "-90 to 90"),
        ({"RA": "nan", "DEC": 1, "SR": 1}, "ra"),
        ({"RA": 1, "DEC": 1, "SR": -1}, "from 0 to 180"),
        ({"RA": 1, "DEC": 1, "SR": 1, "VERB": 4}, "VERB: is 1, 2 or 3"),
    ],
)
def test_errors_stand_in_the_document(client: httpx.Client, query: dict[str, object], words: str):
    answer = client.get("/scs", params=query)
    assert answer.status_code == 200
    status, text = status_of(answer)
    assert status == "ERROR"
    assert words in text
    assert 'name="Error"' in answer.text
    assert answer.headers["content-type"].startswith("text/xml;content=x-votable")


def test_a_search_that_takes_too_long_is_told_in_the_document_too(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.vo.cone_search.SECONDS", 1e-3)
    monkeypatch.setattr(
        "app.vo.cone_search._query", lambda *_: "SELECT COUNT(*) FROM sos.star a, sos.star b, sos.star c"
    )
    answer = client.get("/scs", params={"RA": 150, "DEC": 2, "SR": 1})
    assert answer.status_code == 200
    assert "stopped by the time limit" in status_of(answer)[1]


def test_an_answer_is_of_the_kind_that_the_standard_names(client: httpx.Client):
    query = {"RA": 150, "DEC": 2, "SR": 1}
    head = client.get("/scs", params=query).headers
    assert head["content-type"].startswith("text/xml;content=x-votable")
    assert head["x-sos-version"] == "2"
    table = client.get("/scs", params={**query, "RESPONSEFORMAT": "votable/td"})
    assert table.headers["content-type"] == "application/x-votable+xml;serialization=tabledata"
