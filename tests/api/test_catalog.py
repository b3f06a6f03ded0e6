"""`/v1/catalog`: pages and files that say exactly what the tables say."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from sqlalchemy import text

from app.domain.columns import CATALOG
from app.storage.engine import Database
from tests.support.catalogue import N_STARS, Truth
from tests.support.http import Service

NAMES = [column.name for column in CATALOG]
PARAMETER = ("{0}", "{0}_lower", "{0}_upper", "{0}_n", "{0}_chi2", "{0}_flags")
CONTRACT = [
    *("star_id", "gaia_dr3_source_id", "ra", "dec"),
    *(name.format(parameter) for parameter in ("teff", "logg", "feh") for name in PARAMETER),
    *("g_mag", "bp_mag", "rp_mag", "k_mag", "version"),
]
REAL = ("teff", "logg", "feh", "g_mag", "bp_mag", "rp_mag", "k_mag")


def table(database: Database, version: int) -> list[tuple]:
    """The catalogue as plain SQL returns it."""
    columns = ("version_id" if name == "version" else name for name in NAMES)
    names = ", ".join(
        f"{name}::float8" if name.startswith(REAL) and not name.endswith(("_n", "flags")) else name for name in columns
    )
    with database.connect() as connection:
        rows = connection.execute(
            text(f"SELECT {names} FROM homogenized WHERE version_id = {version} ORDER BY star_id")
        )
        return [tuple(row) for row in rows]


def test_the_columns_are_those_of_the_contract():
    assert NAMES == CONTRACT


def test_csv_holds_what_the_table_holds(service: Service, catalogue_database: Database):
    answer = service.get("/v1/catalog", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["X-SoS-Version"] == "2"
    assert answer.headers["X-SoS-Rows"] == str(N_STARS)
    assert 'filename="catalog_v2.csv"' in answer.headers["content-disposition"]
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head == NAMES
    expected = table(catalogue_database, 2)
    assert len(rows) == len(expected)
    for found, wanted in zip(sorted(rows, key=lambda row: int(row[0])), expected, strict=True):
        assert [None if cell == "" else float(cell) for cell in found[2:]] == [
            None if value is None else pytest.approx(value, rel=1e-6) for value in wanted[2:]
        ]
        assert found[:2] == ["" if value is None else str(value) for value in wanted[:2]]


def test_parquet_holds_what_the_table_holds(service: Service, catalogue_database: Database):
    answer = service.get("/v1/catalog", format="parquet", version=1)
    file = pq.ParquetFile(io.BytesIO(answer.content))
    assert file.schema_arrow.metadata[b"sos.version"] == b"1"
    assert file.schema_arrow.metadata[b"sos.rows"] == str(N_STARS).encode() == str(file.metadata.num_rows).encode()
    assert file.schema_arrow.field("teff").metadata[b"unit"] == b"K"
    found = file.read().sort_by("star_id")
    assert found.schema.names == NAMES
    assert [found.schema.field(name).type for name in ("star_id", "ra", "teff", "teff_n")] == [
        pa.int64(),
        pa.float64(),
        pa.float32(),
        pa.int16(),
    ]
    assert [tuple(row.values()) for row in found.to_pylist()] == table(catalogue_database, 1)


def test_arrow_holds_what_parquet_holds(service: Service):
    arrow = pa.ipc.open_stream(service.get("/v1/catalog", format="arrow").content).read_all()
    parquet = pq.read_table(io.BytesIO(service.get("/v1/catalog", format="parquet").content))
    assert arrow.equals(parquet)
    assert arrow.schema.metadata[b"sos.rows"] == str(N_STARS).encode()


@pytest.mark.parametrize("form", ["fits", "votable"])
def test_astropy_finds_the_table_in_fits_and_votable(service: Service, catalogue_database: Database, form: str):
    answer = service.get("/v1/catalog", format=form)
    assert answer.headers["X-SoS-Rows"] == str(N_STARS)
    assert f'filename="catalog_v2.{"fits" if form == "fits" else "vot"}"' in answer.headers["content-disposition"]
    found = Table.read(io.BytesIO(answer.content), format=form)
    assert found.colnames == NAMES
    found.sort("star_id")
    assert [found[name].dtype.newbyteorder("=").name for name in ("star_id", "ra", "teff", "teff_n", "version")] == [
        "int64",
        "float64",
        "float32",
        "int16",
        "int32",
    ]
    rows = [
        tuple(None if value is np.ma.masked or value != value else value for value in row) for row in found.as_array()
    ]
    assert [tuple(row) for row in rows] == table(catalogue_database, 2)
    assert [str(found[name].unit) for name in ("ra", "teff", "g_mag", "logg")] == ["deg", "K", "mag", "None"]
    assert "log10 of cm s^-2 (dex)" in str(service.get("/v1/catalog", format=form).content)


def test_files_say_what_they_are_and_whom_to_cite(service: Service):
    citation = "Survey of Surveys (SoS), calibration version 1, from Alpha_Dr1 DR1: Someone 2020"
    header = fits.getheader(io.BytesIO(service.get("/v1/catalog", format="fits", version=1).content))
    assert (header["SOSVERS"], header["SOSROWS"]) == (1, N_STARS)
    assert header["REFERENC"].startswith(citation)
    content = service.get("/v1/catalog", format="votable", version=1).content
    [resource] = parse(io.BytesIO(content)).resources
    infos = {info.name: info.value for info in resource.infos}
    assert (infos["QUERY_STATUS"], infos["sos.version"], infos["sos.rows"]) == ("OK", "1", str(N_STARS))
    assert infos["sos.citation"].startswith(citation)
    fields = {field.name: field for field in resource.tables[0].fields}
    assert (fields["teff_lower"].ucd, fields["teff_lower"].unit.to_string()) == (
        "phys.temperature.effective;stat.min",
        "K",
    )
    assert fields["dec"].ref == resource.coordinate_systems[0].ID == "icrs"
    for form in ("parquet", "arrow"):
        content = io.BytesIO(service.get("/v1/catalog", format=form, version=1).content)
        schema = pq.read_schema(content) if form == "parquet" else pa.ipc.open_stream(content).schema
        assert schema.metadata[b"sos.citation"].decode().startswith(citation)
        assert schema.field("feh_upper").metadata[b"ucd"] == b"phys.abund.Fe;stat.max"
        assert schema.field("ra").metadata[b"description"] == b"Right ascension, ICRS"


@pytest.mark.skipif(shutil.which("stilts") is None, reason="STILTS is not installed")
def test_the_validator_has_nothing_to_say_about_the_votable(service: Service, tmp_path: Path):
    file = tmp_path / "catalog.vot"
    file.write_bytes(service.get("/v1/catalog", format="votable").content)
    done = subprocess.run(["stilts", "votlint", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_json_lines_and_pages_hold_the_same_rows(service: Service):
    lines = [json.loads(line) for line in service.get("/v1/catalog", format="jsonl").text.splitlines()]
    pages = service.rows("/v1/catalog", "stars", limit=77)
    assert pages == sorted(lines, key=lambda row: int(row["star_id"]))
    assert len(pages) == N_STARS
    assert isinstance(pages[0]["star_id"], str)
    assert pages[9]["gaia_dr3_source_id"] is None


def test_an_empty_slice_is_a_whole_file(service: Service):
    empty = {"teff_min": 99_999}
    assert service.get("/v1/catalog", format="csv", **empty).text == ",".join(NAMES) + "\n"
    parquet = pq.read_table(io.BytesIO(service.get("/v1/catalog", format="parquet", **empty).content))
    assert (parquet.num_rows, parquet.schema.names) == (0, NAMES)
    assert service.get("/v1/catalog", format="jsonl", **empty).text == ""
    for form in ("fits", "votable"):
        nothing = Table.read(io.BytesIO(service.get("/v1/catalog", format=form, **empty).content), format=form)
        assert (len(nothing), nothing.colnames) == (0, NAMES)
    assert service.get("/v1/catalog", **empty).json()["stars"] == []


def test_columns_come_as_asked_and_in_that_order(service: Service):
    assert (
        service.get("/v1/catalog", format="csv", columns="teff, star_id", teff_max=4200).text
        == "teff,star_id\n4200,11\n"
    )
    [row] = service.get("/v1/catalog", columns="teff,star_id", teff_max=4200).json()["stars"]
    assert list(row.items()) == [("teff", 4200), ("star_id", "11")]


PLACE = np.arange(N_STARS)
SLICES = {
    "teff_min=4300&teff_max=4310": (PLACE >= 100) & (PLACE <= 110),
    "logg_min=2.5": PLACE / 128 + 2 / 1024 >= 1.5,
    "feh_max=-1.9": PLACE / 128 + 2 / 1024 <= 0.1,
    "teff_max=1e39": PLACE >= 0,
    "logg_min=1e-300": PLACE >= 0,
    "g_mag_max=9": (PLACE <= 64) & (PLACE % 6 != 0),
    "survey=gamma": PLACE % 7 == 0,
    "survey=gamma&n_min=3": (PLACE % 7 == 0) & (PLACE % 3 == 2),
    "in_domain=false": PLACE % 4 == 3,
    "in_domain=true": PLACE % 4 != 3,
    "ra=150&dec=2&radius=36&unit=arcsec": np.isin(PLACE, (8, 9)),
    "ra=0&dec=10&radius=0.001&teff_min=4206": np.isin(PLACE, (6, 7)),
}


@pytest.mark.parametrize("query", SLICES)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_filters_let_through_what_they_say(service: Service, truth: Truth, query: str, form: str):
    expected = truth.star_id[SLICES[query] & ((PLACE != 4) | ("_m" not in query) | ("g_mag" in query))].tolist()
    assert expected, "a filter that lets nothing through proves little"
    parameters = dict(part.split("=") for part in query.split("&"))
    if form == "csv":
        answer = service.get("/v1/catalog", format="csv", columns="star_id", **parameters)
        found = [int(line) for line in answer.text.splitlines()[1:]]
        assert answer.headers["X-SoS-Rows"] == str(len(expected))
    else:
        found = [int(row["star_id"]) for row in service.rows("/v1/catalog", "stars", limit=13, **parameters)]
    assert found == expected


def test_a_limit_equal_to_a_value_lets_it_in(service: Service):
    """A value is kept in single precision and shown in few digits; asking for what was shown must find it."""
    shown = service.get("/v1/catalog", columns="logg_lower,feh", limit=1).json()["stars"][0]["feh"]
    found = service.get("/v1/catalog", columns="feh", feh_min=shown, feh_max=shown).json()["stars"]
    assert [row["feh"] for row in found] == [shown]


@pytest.mark.parametrize(
    ("query", "parameter", "status", "words"),
    [
        ({"format": "xls"}, "format", 422, "'csv', 'parquet'"),
        ({"columns": "teff,nope"}, "columns", 422, "there is no column 'nope'; there are star_id"),
        ({"columns": "teff,teff"}, "columns", 422, "asked for twice"),
        ({"format": "csv", "limit": 5}, "limit", 422, "a file has all rows"),
        ({"teff_min": "hot"}, "teff_min", 422, "valid number"),
        ({"teff_min": "nan"}, "teff_min", 422, "finite"),
        ({"teff_min": 6000, "teff_max": 5000}, "teff_min", 422, "above teff_max"),
        ({"in_domain": "perhaps"}, "in_domain", 422, "boolean"),
        ({"n_min": 0}, "n_min", 422, "greater than or equal to 1"),
        ({"ra": 1, "dec": 1}, "radius", 422, "a cone needs ra, dec and radius"),
        ({"ra": 1, "dec": 95, "radius": 1}, "dec", 422, "-90 to 90"),
        ({"tef_min": 1}, "tef_min", 422, "no parameter of this call"),
        ({"after": "Zm9v"}, "after", 422, "`next` of the page before"),
        ({"after": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}, "after", 422, "`next` of the page before"),
    ],
)
def test_bad_input_is_named_with_what_would_be_right(
    service: Service, query: dict, parameter: str, status: int, words: str
):
    answer = service.get("/v1/catalog", **query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    [found] = [error for error in answer.json()["errors"] if error["parameter"] == parameter]
    assert words in found["detail"]


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_what_does_not_exist_is_named(service: Service, form: str):
    survey = service.get("/v1/catalog", format=form, survey="delta")
    assert (survey.status_code, survey.json()["type"]) == (404, "urn:sos:problem:unknown-survey")
    assert "delta" in survey.json()["detail"]
    version = service.get("/v1/catalog", format=form, version=9)
    assert (version.status_code, version.json()["type"]) == (404, "urn:sos:problem:unknown-version")
    assert "9" in version.json()["detail"]


def test_a_quote_in_a_value_stays_a_value(service: Service):
    assert service.get("/v1/catalog", format="csv", survey="x' OR true --").status_code == 404
