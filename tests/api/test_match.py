"""`POST /v1/match`: a table comes back whole, each row with the star that astropy finds nearest, or with nulls."""

from __future__ import annotations

import csv
import io
import json
import math
from decimal import Decimal
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.http import Service, serving

RADIUS = 5.0


@pytest.fixture(scope="module")
def places(truth: Truth) -> SkyCoord:
    """Positions near stars (the poles, RA 0 and two stars at one place among them), some farther than the radius."""
    rng = np.random.default_rng(3)
    stars = SkyCoord(truth.ra, truth.dec, unit="deg")
    return stars.directional_offset_by(
        rng.uniform(0, 360, len(stars)) * u.deg, rng.uniform(0, 8, len(stars)) * u.arcsec
    )


def table(places: SkyCoord) -> Table:
    count = len(places)
    return Table(
        {
            "name": [f'star "{place}", é' if place % 2 else f"s{place}" for place in range(count)],
            "ra": places.ra.deg,
            "dec": places.dec.deg,
            "teff": np.arange(count, dtype=np.float32),
            "big": 2**62 + np.arange(count),
        }
    )


def written(table: Table, form: str) -> bytes:
    out = io.BytesIO()
    if form == "csv":
        text = io.StringIO()
        table.write(text, format="ascii.csv")
        return text.getvalue().encode()
    if form == "parquet":
        pq.write_table(pa.table({name: table[name].tolist() for name in table.colnames}), out)
        return out.getvalue()
    if form == "fits":
        table = table.copy()
        table["name"] = [str(name).replace("é", "e") for name in table["name"]]
    table.write(out, format=form)
    return out.getvalue()


def read(content: bytes, form: str) -> list[dict[str, Any]]:
    """Return rows with None for what is missing."""
    if form == "csv":
        rows = pyarrow.csv.read_csv(io.BytesIO(content)).to_pylist()
    elif form == "parquet":
        rows = pq.read_table(io.BytesIO(content)).to_pylist()
    elif form == "arrow":
        rows = pa.ipc.open_stream(content).read_all().to_pylist()
    elif form == "jsonl":
        rows = [json.loads(line) for line in content.splitlines()]
    else:
        found = Table.read(io.BytesIO(content), format=form)
        rows = [dict(zip(found.colnames, row.as_void().tolist(), strict=True)) for row in found.filled(-1)]
    return [{name: known(value) for name, value in row.items()} for row in rows]


def known(value: Any) -> Any:
    value = value.decode() if isinstance(value, bytes) else value
    return None if value in {-1, "-1"} or value != value else value


@pytest.mark.parametrize("upload", ["csv", "votable", "fits", "parquet"])
@pytest.mark.parametrize("wanted", [None, "csv", "parquet", "arrow", "jsonl", "fits", "votable"])
def test_every_row_comes_back_with_the_star_that_astropy_finds(
    service: Service, truth: Truth, places: SkyCoord, upload: str, wanted: str | None
):
    stars = SkyCoord(truth.ra, truth.dec, unit="deg")
    nearest, distance, _ = places.match_to_catalog_sky(stars)
    inside = distance.arcsec < RADIUS
    assert 50 < inside.sum() < 250
    query = {"radius": RADIUS, "unit": "arcsec"} | ({"format": wanted} if wanted else {})
    answer = service.post("/v1/match", written(table(places), upload), "application/octet-stream", **query)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["X-SoS-Rows"], answer.headers["X-SoS-Version"]) == ("300", "2")
    rows = read(answer.content, wanted or upload)
    assert len(rows) == len(places)
    assert list(rows[0])[:7] == ["name", "ra", "dec", "teff", "big", "separation_arcsec", "n_candidates"]
    same = {8: 9, 9: 8}  # two stars at one place: the one with the smaller number
    names = [str(name).replace("é", "e") for name in table(places)["name"]]
    for place, row in enumerate(rows):
        assert row["name"].replace("é", "e").replace("\\xe9", "e") == names[place]
        assert (row["teff"], int(row["big"])) == (place, 2**62 + place)
        if not inside[place]:
            assert row["star_id"] is None
            assert row["sos_teff"] is None
            continue
        star = min(nearest[place], same.get(nearest[place], 999))
        assert int(row["star_id"]) == truth.star_id[star]
        assert row["separation_arcsec"] == pytest.approx(distance.arcsec[place], abs=1e-5)
        assert row["n_candidates"] == (2 if star in same else np.sum(stars.separation(places[place]).arcsec < RADIUS))
        assert row["sos_teff"] == (None if star == 4 else 4200 + star)
        assert row["gaia_dr3_source_id"] is None or int(row["gaia_dr3_source_id"]) == truth.gaia[star]


def test_identifiers_are_matched_where_there_is_no_radius(service: Service, truth: Truth):
    names = [f"gamma:{truth.object_id('gamma', 2)}", "sos:11", "moon", "", "sos:12", f"{truth.gaia[0]}", "sos:11"]
    text = io.StringIO()
    csv.writer(text).writerows([["id", "note"], *([name, place] for place, name in enumerate(names))])
    answer = service.post("/v1/match", text.getvalue(), "text/csv", columns="star_id,teff")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == ["id", "note", "star_id", "teff"]
    assert [row["id"] for row in rows] == names
    assert [row["star_id"] for row in rows] == [str(truth.star_id[14]), "11", "", "", "", "11", "11"]
    assert answer.headers["content-disposition"] == 'attachment; filename="match_v2.csv"'


@pytest.mark.parametrize(
    ("column", "place"), [("gaia_dr3_source_id", 3), ("GAIA_SOURCE_ID", 3), ("source_id", 3), ("star_id", 3)]
)
def test_numbers_are_ids_of_what_their_column_is_called(service: Service, truth: Truth, column: str, place: int):
    ids = truth.star_id if column == "star_id" else truth.gaia
    text = f"{column}\n{ids[place]}\n\n7\n"
    rows = list(csv.DictReader(io.StringIO(service.post("/v1/match", text, "text/csv", columns="teff").text)))
    assert [row["teff"] for row in rows] == ["4203", ""]


@pytest.mark.parametrize(
    ("head", "row", "query"),
    [
        ("ra,dec", "10:00:00,+02:00:00", {}),
        ("RAJ2000,DEJ2000", "150,2", {}),
        ("x,y,ra,dec", "150,2,0,0", {"ra": "x", "dec": "y"}),
    ],
)
def test_positions_are_found_and_read_as_users_write_them(service: Service, head: str, row: str, query: dict):
    answer = service.post("/v1/match", f"{head}\n{row}\n", "text/csv", radius=1, unit="arcsec", columns="teff", **query)
    [found] = csv.DictReader(io.StringIO(answer.text))
    assert (found["teff"], found["n_candidates"]) == ("4208", "2")


def test_ucds_and_units_say_which_columns_are_positions_and_how(service: Service):
    found = Table({"a": [2.0], "b": [10.0]})
    found["a"].info.meta, found["b"].info.meta = {"ucd": "pos.eq.dec;meta.main"}, {"ucd": "pos.eq.ra;meta.main"}
    found["b"].unit = "hourangle"
    text = io.BytesIO()
    found.write(text, format="votable")
    content = text.getvalue()
    assert content.count(b"pos.eq") == 2
    answer = service.post("/v1/match", content, "", radius=1, unit="arcsec", format="csv", columns="teff")
    assert answer.status_code == 200, answer.text
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row["teff"] == "4208"


def test_our_own_files_come_back_with_our_own_columns_beside_theirs(service: Service, truth: Truth):
    for form in ("fits", "votable", "parquet"):
        file = service.get("/v1/catalog", format=form, version=1).content
        rows = read(
            service.post("/v1/match", file, "", radius=0.001, unit="arcsec", columns="teff,star_id").content, form
        )
        assert len(rows) == len(truth.star_id)
        # of the two at one place the first is found for both
        assert sum(row["sos_star_id"] == row["star_id"] for row in rows) == len(rows) - 1
        for row in rows:
            assert row["teff"] is None or row["sos_teff"] == row["teff"] + 100 or row["star_id"] == truth.star_id[9]


NUMBERS = pa.array([150.0, None, float("nan")])
TEXTS = pa.array(["10:00:00", "", None])


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        (TEXTS, pa.array([2.0, 2.0, float("nan")])),
        (TEXTS.cast(pa.large_string()), pa.array(["+02:00:00", " ", "nan"], pa.large_string())),
        (TEXTS.dictionary_encode(), pa.array([2, 2, None])),
        (NUMBERS, pa.array([Decimal("2.000"), None, None], pa.decimal128(9, 3))),
    ],
    ids=["texts and numbers", "long texts", "categories", "decimals"],
)
def test_positions_are_read_from_columns_of_any_kind(service: Service, ra: pa.Array, dec: pa.Array):
    content = io.BytesIO()
    pq.write_table(pa.table({"ra": ra, "dec": dec}), content)
    answer = service.post("/v1/match", content.getvalue(), "", radius=1, unit="arcsec", columns="teff", format="csv")
    assert answer.status_code == 200, answer.text
    assert [row["teff"] for row in csv.DictReader(io.StringIO(answer.text))] == ["4208", "", ""]


def test_a_text_beside_a_number_in_radians_is_matched_in_its_own_unit(service: Service):
    content = io.BytesIO()
    dec = pa.field("dec", pa.float64(), metadata={"unit": "rad"})
    columns = [pa.array(["10:00:00"]), pa.array([math.radians(2)])]
    pq.write_table(pa.table(columns, schema=pa.schema([pa.field("ra", pa.string()), dec])), content)
    answer = service.post("/v1/match", content.getvalue(), "", radius=1, unit="arcsec", columns="teff", format="csv")
    assert [row["teff"] for row in csv.DictReader(io.StringIO(answer.text))] == ["4208"]


@pytest.mark.parametrize("other", ["", "nobody"])
def test_whole_numbers_are_ids_whatever_else_is_in_their_column(service: Service, truth: Truth, other: str):
    for column, ids in (("source_id", truth.gaia), ("star_id", truth.star_id)):
        text = f"{column},k\n{ids[3]},1\n{other},2\n"
        rows = list(csv.DictReader(io.StringIO(service.post("/v1/match", text, "text/csv", columns="teff").text)))
        assert [row["teff"] for row in rows] == ["4203", ""]


def test_long_whole_numbers_come_back_as_they_were(service: Service):
    text = f"ra,dec,a,b\n150,2,{2**64},1.5\n150,2,{2**53 + 1},{2**53 + 1}\n"
    answer = service.post("/v1/match", text, "text/csv", radius=0.001, columns="teff").text
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [(row["a"], row["b"]) for row in rows] == [(str(2**64), "1.5"), (str(2**53 + 1),) * 2]


def test_rows_without_a_position_come_back_without_a_star(service: Service):
    content = "ra,dec,k\n,2,1\nnan,2,2\n150,,3\n150,2,4\n"
    rows = list(csv.DictReader(io.StringIO(service.post("/v1/match", content, "", radius=1e-4, columns="teff").text)))
    assert [(row["k"], row["teff"]) for row in rows] == [("1", ""), ("2", ""), ("3", ""), ("4", "4208")]


@pytest.mark.parametrize(
    ("content", "query", "parameter", "words"),
    [
        ("a,b\n1,2\n", {"radius": 0.001}, "ra", "Name one of a, b by ra="),
        ("ra,b\n1,2\n", {"radius": 0.001}, "dec", "Name one of ra, b by dec="),
        ("a,b\n1,2\n", {}, "id", "Name one of a, b by id="),
        ("a,b\n1,2\n", {"radius": 0.001, "ra": "x"}, "ra", "no column 'x'; it has a, b"),
        ("ra,RA,dec\n1,3,2\n", {"radius": 0.001}, "ra", "any of the columns ra, RA: name one by ra="),
        ("id,ID\n1,3\n", {}, "id", "any of the columns id, ID"),
        ("ra,dec\n1,2\n", {"ra": "ra"}, "radius", "is missing"),
        ("ra,dec\n1,2\n", {"radius": 1, "id": "ra"}, "radius", "from 0 to 0.1 deg"),
        ("ra,dec\n1,2\n", {"radius": 0.1, "id": "ra"}, "id", "leave out the radius"),
        ("ra,dec\n1,2\n1,95\n", {"radius": 0.1}, "dec", "got 95 in row 2"),
        ("ra,dec\n-1,2\n", {"radius": 0.1}, "ra", "got -1 in row 1"),
        ("ra,dec\n1,x\n", {"radius": 0.1}, "dec", "got 'x' in row 1"),
        ("ra,dec\ntrue,false\n", {"radius": 0.1}, "ra", "holds bool"),
        ("id\n1.5\n", {}, "id", "holds double, which cannot hold 64-bit ids"),
        ("id\nsos:11\n", {"columns": "x"}, "columns", "no column 'x'"),
        ("id\nsos:11\n", {"format": "json"}, "format", "'csv', 'parquet'"),
    ],
)
def test_bad_input_is_named(service: Service, content: str, query: dict, parameter: str, words: str):
    answer = service.post("/v1/match", content, "text/csv", **query)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


@pytest.mark.parametrize(
    "content", [b"", b"\0\1", b"SIMPLE  = broken", b"PAR1", b"<?xml version='1.0'?><VOTABLE>", b"\x1f\x8b", b"a,b\n1\n"]
)
def test_what_is_no_table_is_refused(service: Service, content: bytes):
    answer = service.post("/v1/match", content, "", radius=0.001)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:sos:problem:bad-input")
    assert answer.json()["detail"].startswith("upload")


def test_an_upload_has_a_limit_of_its_own(catalogue_database: Database, truth: Truth):
    with serving(catalogue_database, body_limit_mib=1, upload_limit_mib=2) as service:
        content = "id,x\n" + "sos:11,some long text\n" * 60_000
        assert len(content) > 1 << 20
        answer = service.post("/v1/match", content, "", columns="teff")
        assert answer.headers["X-SoS-Rows"] == "60000"
        assert answer.text.count(",4200\n") == 60_000
        answer = service.post("/v1/match", content * 2, "")
        assert (answer.status_code, answer.json()["detail"]) == (
            413,
            "body: may have 2 MiB at most; send less at a time",
        )


def test_more_rows_than_may_be_are_refused_not_cut(service: Service):
    answer = service.post("/v1/match", b"id\n" + b"1\n" * 1_000_001, "")
    assert answer.status_code == 413
    assert "1,000,000 rows at most" in answer.json()["detail"]
