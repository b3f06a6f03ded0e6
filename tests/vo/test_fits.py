"""FITS answers: what astropy reads from them is what it reads from the VOTable of the same query."""

from __future__ import annotations

import io

import httpx
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from app.vo import fits as answers
from tests.support.catalogue import Truth

QUERIES = [
    "SELECT * FROM sos.star ORDER BY 1",
    "SELECT * FROM sos.measurement ORDER BY survey, object_id",
    "SELECT name, citation, n_rows FROM sos.survey ORDER BY name",
    "SELECT star_id, POINT(ra, dec) AS p, CIRCLE(ra, dec, 2) AS c, BOX(10, 20, 3, 4) AS b FROM sos.star ORDER BY 1",
    "SELECT TOP 3 CAST(1 AS SMALLINT) AS s, 2 AS i, CAST(NULL AS BIGINT) AS n, 'a' AS t, NULL AS u FROM sos.star",
    "SELECT star_id FROM sos.star WHERE star_id < 0",
]


def ask(client: httpx.Client, query: str, form: str, **more: str) -> bytes:
    answer = client.get("/tap/sync", params={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": form, **more})
    assert answer.status_code == 200, answer.text
    assert form != "fits" or answer.headers["content-type"] == "application/fits"
    return answer.content


@pytest.mark.parametrize("query", QUERIES)
def test_a_fits_file_holds_what_the_votable_holds(client: httpx.Client, truth: Truth, query: str):
    found = Table.read(io.BytesIO(ask(client, query, "fits")), format="fits", hdu=1)
    expected = Table.read(io.BytesIO(ask(client, query, "votable")), format="votable")
    assert found.colnames == expected.colnames
    assert len(found) == len(expected)
    for name in expected.colnames:
        one, other = found[name], expected[name]
        assert one.unit == (None if str(other.unit) == "dex" else other.unit), name  # FITS knows no dex
        if getattr(other[0], "shape", ()) if len(other) else ():
            np.testing.assert_array_equal(np.array(one.tolist(), float), np.array([list(v) for v in other], float))
        elif other.dtype.kind in "OUS":
            texts = [str(text) for text in np.ma.filled(other, "")]
            assert [str(text) for text in np.ma.filled(one, "")] == texts, name
        elif other.dtype.kind == "f":
            values = np.ma.filled(np.ma.asarray(other).astype(float), np.nan)
            np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(one).astype(float), np.nan), values, err_msg=name)
        else:
            assert np.ma.asarray(one).tolist() == np.ma.asarray(other).tolist(), name


def test_a_fits_file_describes_itself_and_its_columns(client: httpx.Client, truth: Truth):
    with fits.open(io.BytesIO(ask(client, QUERIES[3], "fits"))) as hdus:
        primary, header = hdus[0].header, hdus[1].header
        hdus.verify("exception")
    assert (primary["SOSVERS"], primary["SOSROWS"], primary["SOSOVER"]) == (2, len(truth.star_id), False)
    assert "cites the surveys" in primary["REFERENC"]
    assert [header[f"TFORM{n}"] for n in range(1, 5)] == ["K", "2D", "3D", "8D"]
    assert [header[f"TXTYP{n}"] for n in range(2, 5)] == ["point", "circle", "polygon"]
    with fits.open(io.BytesIO(ask(client, "SELECT teff, ra FROM sos.star", "application/fits", MAXREC="7"))) as hdus:
        assert (hdus[0].header["SOSOVER"], len(hdus[1].data)) == (True, 7)
        header = hdus[1].header
    assert (header["TUNIT1"], header["TUCD2"], header["TUNIT2"]) == ("K", "pos.eq.ra;meta.main", "deg")
    assert header["TCOMM1"].startswith("Homogenized effective temperature")


def test_texts_that_are_not_ascii_are_escaped(client: httpx.Client, truth: Truth):
    table = Table.read(
        io.BytesIO(ask(client, "SELECT TOP 1 'café\n' AS t FROM sos.star", "fits")), format="fits", hdu=1
    )
    assert table["t"].tolist() in ([r"caf\xe9\n"], [rb"caf\xe9\n"])


def test_an_error_is_a_votable_and_too_much_is_an_error(
    client: httpx.Client, truth: Truth, monkeypatch: pytest.MonkeyPatch
):
    answer = client.get(
        "/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT foo FROM sos.star", "RESPONSEFORMAT": "fits"}
    )
    assert answer.status_code == 400
    assert b"there is no column 'foo'" in answer.content
    monkeypatch.setattr(answers, "LARGEST_WAITING", 100)
    large = client.get("/tap/sync", params={"LANG": "ADQL", "QUERY": QUERIES[0], "RESPONSEFORMAT": "fits"})
    assert large.status_code == 400
    assert b"larger than 8 GiB" in large.content


def test_fits_is_among_the_capabilities(client: httpx.Client):
    text = client.get("/tap/capabilities").text
    assert "<mime>application/fits</mime><alias>fits</alias>" in text


def test_a_cone_search_answers_as_fits(client: httpx.Client, truth: Truth):
    answer = client.get("/scs", params={"RA": 150, "DEC": 2, "SR": 0.01, "RESPONSEFORMAT": "fits"})
    found = Table.read(io.BytesIO(answer.content), format="fits", hdu=1)
    assert [int(one) for one in found["star_id"]] == truth.star_id[[8, 9]].tolist()
