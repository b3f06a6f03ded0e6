"""`/tap/sync`: answers in every form, uploads, limits, and errors that are VOTables."""

from __future__ import annotations

import csv
import io
import socket

import httpx
import numpy as np
import pytest
from astropy.io.votable import parse, parse_single_table, validate
from astropy.table import Table

from app.domain.errors import ParameterError
from app.vo import remote_uploads
from tests.support.catalogue import Truth
from tests.vo.adql.test_refusals import HOSTILE

QUERY = "SELECT star_id, gaia_dr3_source_id, ra, teff, g_mag, teff_n FROM sos.star ORDER BY star_id"
MEASUREMENTS = "SELECT survey, object_id, in_domain, split, teff_raw FROM sos.measurement ORDER BY survey, object_id"


def ask(client: httpx.Client, query: str, **parameters: str) -> httpx.Response:
    return client.post("/tap/sync", data={"LANG": "ADQL", "QUERY": query, **parameters})


def table_of(answer: httpx.Response) -> Table:
    assert answer.status_code == 200, answer.text[:1000]
    return parse_single_table(io.BytesIO(answer.content)).to_table()


def status_of(answer: httpx.Response) -> tuple[str, str]:
    """Return the last QUERY_STATUS and its text."""
    infos = [one for one in parse(io.BytesIO(answer.content)).resources[0].infos if one.name == "QUERY_STATUS"]
    return infos[-1].value, infos[-1].content or ""


@pytest.mark.parametrize("form", ["votable", "votable/b2", "votable/td", "text/xml"])
def test_votables_hold_every_value_and_what_is_missing(client: httpx.Client, truth: Truth, form: str):
    table = table_of(ask(client, QUERY, RESPONSEFORMAT=form))
    place = np.arange(len(truth.star_id))
    assert table["star_id"].tolist() == truth.star_id.tolist()
    assert table["gaia_dr3_source_id"].tolist() == [number or None for number in truth.gaia.tolist()]
    assert table["ra"].tolist() == truth.ra.tolist()
    teff = np.ma.masked_where(place == 4, (4200.0 + place).astype(np.float32))
    assert np.ma.filled(table["teff"].astype(float), -1).tolist() == teff.filled(-1).tolist()
    assert np.array_equal(np.ma.getmaskarray(np.ma.masked_invalid(table["g_mag"])), place % 6 == 0)
    assert [table[name].dtype.name for name in ("star_id", "ra", "teff", "teff_n")] == [
        "int64", "float64", "float32", "int16",
    ]  # fmt: skip
    assert str(table["teff"].unit) == "K"
    assert table["teff"].meta["ucd"] == "phys.temperature.effective;meta.main"


@pytest.mark.parametrize("form", ["votable/b2", "votable/td", "csv", "tsv", "json"])
def test_texts_and_truth_values_come_through(client: httpx.Client, truth: Truth, form: str):
    answer = ask(client, MEASUREMENTS, RESPONSEFORMAT=form)
    first = {"survey": "alpha_dr1", "in_domain": True, "split": "train"}
    count = sum(map(len, truth.members.values()))
    if form.startswith("votable"):
        table = table_of(answer)
        assert len(table) == count
        row = table[table["object_id"] == truth.object_id("alpha_dr1", 0)][0]
        assert {name: row[name] for name in first} == first
        assert np.count_nonzero(np.ma.getmaskarray(np.ma.masked_invalid(table["teff_raw"]))) == 3
        return
    if form == "json":
        body = answer.json()
        names = [column["name"] for column in body["metadata"]]
        rows = [dict(zip(names, row, strict=True)) for row in body["data"]]
        assert (body["version"], body["truncated"]) == (2, False)
    else:
        rows = list(csv.DictReader(io.StringIO(answer.text), delimiter="," if form == "csv" else "\t"))
        first |= {"in_domain": "true"}
    assert len(rows) == count
    [row] = [one for one in rows if one["object_id"] == truth.object_id("alpha_dr1", 0)]
    assert {name: row[name] for name in first} == first


@pytest.mark.parametrize("form", ["votable/b2", "votable/td"])
@pytest.mark.parametrize("rows", [0, 1, 299])
def test_a_cut_answer_says_so_after_its_rows(client: httpx.Client, form: str, rows: int):
    answer = ask(client, QUERY, MAXREC=str(rows), RESPONSEFORMAT=form)
    assert len(table_of(answer)) == rows
    assert status_of(answer)[0] == "OVERFLOW"
    assert answer.text.rindex("OVERFLOW") > answer.text.index("</TABLE>")


def test_a_whole_answer_says_that_it_is_whole(client: httpx.Client):
    answer = ask(client, QUERY, MAXREC="300")
    assert (len(table_of(answer)), status_of(answer)[0]) == (300, "OK")
    assert ask(client, QUERY, MAXREC="299", RESPONSEFORMAT="json").json()["truncated"] is True


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_an_answer_that_cannot_say_that_it_was_cut_is_cut_only_where_it_was_asked_to_be(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, form: str
):
    monkeypatch.setattr("app.vo.tap.USUAL_ROWS", 10)
    assert len(ask(client, QUERY, RESPONSEFORMAT=form).text.splitlines()) == 301
    monkeypatch.setattr("app.vo.tap.MOST_ROWS", 299)
    assert len(ask(client, QUERY, RESPONSEFORMAT=form, MAXREC="20").text.splitlines()) == 21
    answer = ask(client, QUERY, RESPONSEFORMAT=form)
    assert answer.status_code == 400
    assert "there are more than 299 rows, and this form cannot say so: give MAXREC" in status_of(answer)[1]


@pytest.mark.parametrize("form", ["votable", "votable/td", "csv", "tsv", "json", "fits"])
def test_the_head_of_an_answer_names_its_version(client: httpx.Client, form: str):
    assert ask(client, QUERY, RESPONSEFORMAT=form).headers["x-sos-version"] == "2"


def test_an_answer_names_its_version_and_what_to_cite(client: httpx.Client):
    infos = {one.name: one.value for one in parse(io.BytesIO(ask(client, QUERY).content)).resources[0].infos}
    assert infos["sos_version"] == "2"
    assert "cites the surveys" in infos["citation"]


@pytest.mark.parametrize("form", ["votable/b2", "votable/td"])
def test_astropy_finds_no_fault(client: httpx.Client, form: str, tmp_path):
    path = tmp_path / "answer.vot"
    path.write_bytes(ask(client, QUERY, RESPONSEFORMAT=form).content)
    report = io.StringIO()
    assert validate(path, output=report), report.getvalue()


def test_an_empty_answer_has_its_columns(client: httpx.Client):
    for form in ("votable/b2", "votable/td"):
        table = table_of(ask(client, "SELECT star_id, ra FROM sos.star WHERE star_id < 0", RESPONSEFORMAT=form))
        assert (len(table), table.colnames) == (0, ["star_id", "ra"])
    assert ask(client, "SELECT star_id FROM sos.star WHERE star_id < 0", RESPONSEFORMAT="csv").text.strip() in {
        "star_id", '"star_id"',
    }  # fmt: skip


def as_votable(table: Table, serialization: str = "tabledata") -> bytes:
    sink = io.BytesIO()
    table.write(sink, format="votable", tabledata_format=serialization)
    return sink.getvalue()


@pytest.mark.filterwarnings("ignore:.*W03")  # astropy's word about the space in a name
@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_an_upload_is_a_table_of_the_query(client: httpx.Client, serialization: str):
    sent = Table(
        {
            "id": np.array([2**62 + 1, -5, 7]),
            "RA": np.ma.masked_array([150.0, 0.0, 1.0], [False, False, True]),
            "flag": [True, False, True],
            "small": np.array([1, 2, 3], np.int16),
            "odd name": ["é ", "x'; DROP TABLE star; --", "<&>"],
        }
    )
    sent["RA"].unit = "deg"
    answer = client.post(
        "/tap/sync",
        data={
            "lang": "adql-2.1",
            "query": """SELECT m.*, s.star_id FROM tap_upload.Mine AS m
                LEFT JOIN sos.star AS s ON s.ra = m.ra ORDER BY small, star_id""",
            "upload": "mine,param:part",
        },
        files={"part": ("t.vot", as_votable(sent, serialization))},
    )
    found = table_of(answer)
    assert found["id"].tolist() == [2**62 + 1, 2**62 + 1, -5, -5, 7]
    assert found["flag"].tolist() == [True, True, False, False, True]
    assert found["odd_name"].tolist()[-1] == "<&>"
    assert found["odd_name"].tolist()[0].strip() == "é"
    assert found["odd_name"].tolist()[2] == "x'; DROP TABLE star; --"
    assert np.ma.getmaskarray(np.ma.masked_invalid(found["RA"])).tolist() == [False] * 4 + [True]
    assert str(found["RA"].unit) == "deg"
    assert found["small"].dtype == np.int16


ARRAYS = as_votable(Table({"a": np.ones((2, 3))}))
REMOTE = b"""<VOTABLE><RESOURCE><TABLE><FIELD name="a" datatype="int"/><DATA><BINARY>
<STREAM encoding="base64" href="file:///etc/passwd"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>"""


def one_cell(field: str, value: str, rows: int = 1) -> bytes:
    lines = f"<TR><TD>{value}</TD></TR>" * rows
    table = f'<FIELD name="a" {field}/><DATA><TABLEDATA>{lines}</TABLEDATA></DATA>'
    return f"<VOTABLE><RESOURCE><TABLE>{table}</TABLE></RESOURCE></VOTABLE>".encode()


ENTITY = b"""<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><VOTABLE><RESOURCE>&e;</RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(
    ("upload", "content", "words"),
    [
        ("mine,param:other", b"", "no file in a part 'other'"),
        ("mine,ftp://example.org/x", b"", "is name,param:part or name,http"),
        ("mine,file:///etc/passwd", b"", "is name,param:part or name,http"),
        ("mine,http://127.0.0.1:1/x", b"", "no host of the public internet"),
        ("mine,http://localhost/x", b"", "no host of the public internet"),
        ("mine,http://[::1]/x", b"", "no host of the public internet"),
        ("mine,http://169.254.169.254/latest", b"", "no host of the public internet"),
        ("mine,http://0x7f000001/", b"", "no host of the public internet"),
        ("mi-ne,param:part", b"", "no name for a table"),
        ("a b,param:part", b"", "no name for a table"),
        ("mine,param:part;MINE,param:part", as_votable(Table({"a": [1]})), "one of two"),
        ("mine,param:part", b"no table", "is no VOTable"),
        ("mine,param:part", b"<VOTABLE/>", "is no VOTable"),
        ("mine,param:part", ARRAYS, "one value a row"),
        ("mine,param:part", REMOTE, "stand in the VOTable itself"),
        ("mine,param:part", ENTITY, "has a DOCTYPE"),
        ("mine,param:part", REMOTE.decode().encode("utf-16"), "stand in the VOTable itself"),
        ("mine,param:part", one_cell('datatype="int" arraysize="*"', "1 2 3"), "one value a row"),
        ("mine,param:part", one_cell('datatype="double" arraysize="2" xtype="point"', "1 2"), "one value a row"),
        ("mine,param:part", one_cell('datatype="int"', "3000000000"), "'3000000000' is out of range"),
        ("mine,param:part", one_cell('datatype="unsignedByte"', "-1"), "'-1' is out of range"),
        ("mine,param:part", one_cell('datatype="double"', "1,5"), "Invalid literal for float '1,5'"),
        ("mine,param:part", one_cell('datatype="int"', "1.5"), "is no VOTable that can be read"),
        ("mine,param:part", one_cell('datatype="char" arraysize="300000000"', "x"), "a fixed length that is too much"),
        (
            "mine,param:part",
            one_cell('datatype="char" arraysize="9000"', "x", 30_000),
            "a fixed length that is too much",
        ),
    ],
)
def test_uploads_that_cannot_be_are_named(client: httpx.Client, upload: str, content: bytes, words: str):
    answer = client.post(
        "/tap/sync",
        data={"LANG": "ADQL", "QUERY": "SELECT * FROM tap_upload.mine", "UPLOAD": upload},
        files={"part": ("t.vot", content)},
    )
    assert answer.status_code == 400
    assert words in status_of(answer)[1]


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ('datatype="int" arraysize="1"', "5", 5),
        ('datatype="int"', "0x1F", 31),
        ('datatype="int"', "", None),
        ('datatype="long"', str(2**63 - 1), str(2**63 - 1)),
        ('datatype="unsignedByte"', "255", 255),
        ('datatype="char" arraysize="5"', "abc", "abc"),
        ('datatype="unicodeChar" arraysize="*"', "\u2603\U0001f600", "\u2603\U0001f600"),
    ],
)
def test_a_value_of_an_upload_is_what_the_document_says(
    client: httpx.Client, field: str, value: str, found: int | str | None
):
    answer = client.post(
        "/tap/sync",
        data={"LANG": "ADQL", "QUERY": "SELECT a FROM tap_upload.t", "UPLOAD": "t,param:x", "RESPONSEFORMAT": "json"},
        files={"x": ("t.vot", one_cell(field, value))},
    )
    assert answer.json()["data"] == [[found]]


def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch):
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 80)) for place in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    with pytest.raises(ParameterError, match="no host of the public internet"):
        remote_uploads.fetched("http://rebinding.example/x")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"QUERY": "SELECT 1"}, "LANG: is one of ADQL"),
        ({"LANG": "SQL", "QUERY": "SELECT 1"}, "got 'SQL'"),
        ({"LANG": "ADQL"}, "QUERY: is required"),
        ({"LANG": "ADQL", "QUERY": "SELECT 1", "REQUEST": "getAll"}, "REQUEST: is doQuery"),
        ({"LANG": "ADQL", "QUERY": "SELECT 1", "MAXREC": "-1"}, "MAXREC: is a number of rows"),
        ({"LANG": "ADQL", "QUERY": "SELECT 1", "RESPONSEFORMAT": "xls"}, "RESPONSEFORMAT: is one of"),
        ({"LANG": "ADQL", "QUERY": "SELECT foo FROM sos.star"}, "line 1, column 8: there is no column 'foo'"),
        ({"LANG": "ADQL", "QUERY": "SELECT teff / 0 FROM sos.star"}, "division by zero"),
        ({"LANG": "ADQL", "QUERY": "SELECT 1", "lang": "ADQL-2.0"}, "LANG: is given twice"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_errors_are_votables_that_say_what_would_be_right(
    client: httpx.Client, method: str, parameters: dict[str, str], words: str
):
    where = {"params": parameters} if method == "GET" else {"data": parameters}
    answer = client.request(method, "/tap/sync", **where)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/x-votable+xml"
    status, text = status_of(answer)
    assert status == "ERROR"
    assert words in text


def test_no_hostile_query_is_answered_as_a_fault(client: httpx.Client):
    for query in (one for one in HOSTILE if one.isascii() or "\ud800" not in one):
        answer = ask(client, query)
        assert answer.status_code == 400, query[:200]
        assert "QUERY_STATUS" in answer.text


def test_a_body_that_is_too_large_is_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.vo.requests.LARGEST_BODY", 10_000)
    answer = client.post("/tap/sync", data={"LANG": "ADQL"}, files={"part": ("t.vot", b"x" * 50_000)})
    assert answer.status_code == 400
    assert "a request has at most" in status_of(answer)[1]


def test_before_anything_is_published_the_service_says_so(database, tmp_path):
    from tests.support.http import serving

    with serving(database, state=tmp_path) as service:
        answer = service.get("/tap/sync", LANG="ADQL", QUERY="SELECT 1")
        assert answer.status_code == 503
        assert "no calibration version has been published yet" in status_of(answer)[1]
        assert "false" in service.get("/tap/availability").text
