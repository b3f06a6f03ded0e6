"""`/v1/surveys`: what is in, raw and calibrated, with every original value as it was."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from mocpy import MOC
from pydantic import TypeAdapter

from app.api.models.pages import MeasurementPage, RejectPage
from app.api.models.surveys import SurveyDetail, SurveyList
from app.storage.fits_file import escaped
from tests.support.catalogue import BIG_NUMBER, N_REJECTS, N_STARS, NOTE, SURVEYS, Truth
from tests.support.http import Service

CONTRACT = [
    *("survey", "object_id", "star_id", "ra", "dec", "snr", "split", "in_domain"),
    *(
        name.format(parameter)
        for parameter in ("teff", "logg", "feh")
        for name in ("{0}_raw", "{0}_raw_lower", "{0}_raw_upper", "{0}", "{0}_lower", "{0}_upper")
    ),
    *("orig_TEFF", "orig_bigID", f"orig_{NOTE}", "orig_ok", "orig_flag"),
]


def test_every_survey_is_listed_with_its_counts(service: Service):
    answer = service.get("/v1/surveys")
    body = answer.json()
    assert answer.headers["X-SoS-Version"] == "2"
    TypeAdapter(SurveyList).validate_json(answer.content, strict=True, extra="forbid")
    assert [survey["name"] for survey in body["surveys"]] == sorted(SURVEYS)
    alpha = body["surveys"][0]
    assert (alpha["n_measurements"], alpha["n_rejects"], alpha["n_stars"]) == (N_STARS, N_REJECTS, N_STARS)
    assert alpha["citation"] == "Someone 2020"


def test_a_survey_shows_its_overlaps_and_files(service: Service):
    answer = service.get("/v1/surveys/beta_dr2", version=1)
    body = answer.json()
    assert answer.headers["X-SoS-Version"] == "1"
    TypeAdapter(SurveyDetail).validate_json(answer.content, extra="forbid")
    halves, sevenths = set(range(0, N_STARS, 2)), set(range(0, N_STARS, 7))
    assert body["overlaps"] == {"alpha_dr1": len(halves), "gamma": len(halves & sevenths)}
    [file] = body["ingestions"]
    assert (file["file_name"], file["file_sha256"]) == ("beta_dr2.fits", "a" * 64)
    assert file["rows_read"] == file["rows_stored"] + file["rows_rejected"]


def test_every_rejected_row_is_shown_once_with_its_reason(service: Service):
    rows = service.rows("/v1/surveys/alpha_dr1/rejects", "rejects", limit=2)
    assert [row["row_number"] for row in rows] == [1001, 1002, 1003, 1004, 1005]
    assert {row["reason"] for row in rows} == {"no position"}
    assert rows[0]["original"] == {"id": str(BIG_NUMBER + 1), "name": 'x"y', "v": 1.5}
    TypeAdapter(RejectPage).validate_json(service.get("/v1/surveys/alpha_dr1/rejects").content, strict=True)
    assert service.get("/v1/surveys/gamma/rejects").json()["rejects"] == []


def test_measurements_show_raw_and_calibrated_values(service: Service, truth: Truth):
    answer = service.get("/v1/surveys/beta_dr2/measurements", limit=3)
    TypeAdapter(MeasurementPage).validate_json(answer.content, strict=True)
    first, second, third = answer.json()["measurements"]
    assert list(first) == CONTRACT
    place = truth.members["beta_dr2"][1]
    assert second["survey"] == "beta_dr2"
    assert second["object_id"] == truth.object_id("beta_dr2", 1)
    assert second["star_id"] == str(truth.star_id[place])
    assert second["split"] == ("train", "conformalize", "test")[place % 3]
    assert second["in_domain"] is True
    raw, calibrated = 4002.0 + place, 4200.0 + place
    assert [second[f"teff_raw{end}"] for end in ("", "_lower", "_upper")] == [raw, raw - 0.25, raw + 0.5]
    assert [second[f"teff{end}"] for end in ("", "_lower", "_upper")] == [
        calibrated,
        calibrated - 0.125,
        calibrated + 0.375,
    ]
    assert third["teff_raw"] is None
    assert third["teff_raw_lower"] is None


def test_original_values_survive_json(service: Service):
    rows = service.rows("/v1/surveys/beta_dr2/measurements", "measurements", limit=40)
    assert [row["orig_bigID"] for row in rows] == [str(BIG_NUMBER + place) for place in range(N_STARS // 2)]
    assert rows[1]["orig_TEFF"] is None, "JSON has no NaN"
    assert rows[2]["orig_TEFF"] == 5002.125
    assert rows[5][f"orig_{NOTE}"] is None
    assert rows[6][f"orig_{NOTE}"] == 'é "6", \\n\n'
    assert [rows[6]["orig_ok"], rows[7]["orig_ok"]] == [True, False]


def test_csv_and_parquet_and_json_lines_agree(service: Service):
    path = "/v1/surveys/alpha_dr1/measurements"
    pages = service.rows(path, "measurements", limit=1000)
    lines = [json.loads(line) for line in service.get(path, format="jsonl").text.splitlines()]
    assert lines == pages
    answer = service.get(path, format="parquet")
    parquet = pq.read_table(io.BytesIO(answer.content))
    assert parquet.schema.names == CONTRACT
    assert parquet.schema.field("orig_bigID").type == pa.int64()
    assert parquet.schema.metadata[b"sos.version"] == answer.headers["X-SoS-Version"].encode()
    table = csv.DictReader(io.StringIO(service.get(path, format="csv").text))
    for found, row, page in zip(table, parquet.to_pylist(), pages, strict=True):
        assert found["orig_bigID"] == str(row["orig_bigID"]) == page["orig_bigID"]
        assert found[f"orig_{NOTE}"] == (row[f"orig_{NOTE}"] or "") == (page[f"orig_{NOTE}"] or "")
        assert found["in_domain"] == str(row["in_domain"]).lower() == str(page["in_domain"]).lower()
        assert (found["orig_TEFF"] == "NaN") == math.isnan(row["orig_TEFF"]) == (page["orig_TEFF"] is None)
        assert found["teff_raw"] == ("" if page["teff_raw"] is None else f"{page['teff_raw']:g}")
        assert (row["teff"], row["split"]) == (page["teff"], page["split"])


@pytest.mark.parametrize("form", ["fits", "votable"])
def test_fits_and_votable_hold_the_same_rows(service: Service, form: str):
    path = "/v1/surveys/beta_dr2/measurements"
    pages = service.rows(path, "measurements", limit=1000)
    table = Table.read(io.BytesIO(service.get(path, format=form).content), format=form)
    # astropy makes the name of a column that Python could not have
    assert [re.sub(r"\W", "_", name) for name in table.colnames] == [re.sub(r"\W", "_", name) for name in CONTRACT]
    assert len(table) == len(pages)
    for row, page in zip(table, pages, strict=True):
        found = {name: None if value is np.ma.masked else value for name, value in zip(CONTRACT, row, strict=True)}
        assert str(found["orig_bigID"]) == page["orig_bigID"]
        assert str(found["object_id"]) == page["object_id"]
        note = page[f"orig_{NOTE}"]
        assert (found[f"orig_{NOTE}"] or "") == (escaped(note or "") if form == "fits" else note or "")
        assert bool(found["in_domain"]) == page["in_domain"]
        for name in ("orig_TEFF", "teff_raw", "logg_upper"):
            value = None if found[name] is None or np.isnan(found[name]) else found[name]
            assert value == (None if page[name] is None else pytest.approx(page[name], rel=1e-6))


def test_columns_and_filters_are_taken(service: Service, truth: Truth):
    path = "/v1/surveys/alpha_dr1/measurements"
    text = service.get(path, format="csv", columns="orig_flag,star_id", split="test", in_domain="false").text
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["orig_flag", "star_id"]
    place = np.arange(N_STARS)
    wanted = place[(place % 3 == 2) & (place % 4 == 3)]
    assert rows == [[str(one % 100), str(truth.star_id[one])] for one in wanted]


def test_a_version_shows_its_own_calibration(service: Service):
    query = {"columns": "teff_raw,teff", "limit": 1}
    [old] = service.get("/v1/surveys/gamma/measurements", version=1, **query).json()["measurements"]
    [new] = service.get("/v1/surveys/gamma/measurements", **query).json()["measurements"]
    assert old["teff_raw"] == new["teff_raw"]
    assert new["teff"] - old["teff"] == 100


@pytest.mark.parametrize("path", ["", "/rejects", "/measurements", "/measurements?format=csv"])
def test_an_unknown_survey_is_named(service: Service, path: str):
    answer = service.get(f"/v1/surveys/delta{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:sos:problem:unknown-survey")
    assert "delta" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameter", "words"),
    [
        ("?limit=1", "limit", "no parameter of this call; it takes version"),
        ("/gamma?version=one", "version", "from 1, or 'current'"),
        ("/gamma/rejects?limit=x", "limit", "valid integer"),
        ("/gamma/rejects?after=MQ", "after", "`next` of the page before"),
        ("/gamma/measurements?columns=orig_teff", "columns", "no column 'orig_teff'"),
        ("/gamma/measurements?split=none", "split", "'train', 'conformalize' or 'test'"),
        ("/gamma/measurements?teff_min=1", "teff_min", "no parameter of this call"),
    ],
)
def test_bad_input_is_named_with_what_would_be_right(service: Service, path: str, parameter: str, words: str):
    answer = service.get(f"/v1/surveys{path}")
    assert answer.status_code == 422
    [found] = answer.json()["errors"]
    assert found["parameter"] == parameter
    assert words in found["detail"]


@pytest.mark.parametrize("order", [0, 3, 7, 10])
@pytest.mark.parametrize("form", ["ascii", "json", "fits"])
def test_a_coverage_holds_the_pixels_of_the_stars(
    service: Service, truth: Truth, tmp_path: Path, order: int, form: str
):
    answer = service.get("/v1/surveys/gamma/coverage", order=order, format=form)
    if form == "fits":
        (tmp_path / "moc.fits").write_bytes(answer.content)
        found = MOC.from_fits(tmp_path / "moc.fits")
    else:
        found = MOC.from_string(answer.text, "json" if form == "json" else "ascii")
    stars = truth.members["gamma"]
    expected = MOC.from_lonlat(truth.ra[stars] * u.deg, truth.dec[stars] * u.deg, max_norder=order)
    assert found == expected
    assert form == "json" or found.max_order == order
    assert answer.headers["X-SoS-Version"] == "2"
    again = service.get("/v1/surveys/gamma/coverage", order=order, format=form, version=2)
    assert "immutable" in again.headers["cache-control"]


def test_a_coverage_is_a_region(service: Service, truth: Truth):
    moc = service.get("/v1/surveys/gamma/coverage", order=10).text
    page = service.post("/v1/region", moc, limit=1000).json()
    assert {int(row["star_id"]) for row in page["stars"]} >= set(truth.star_id[truth.members["gamma"]].tolist())
    assert page["count"] < 50


def test_a_coverage_that_cannot_be_is_named(service: Service):
    for query, parameter in (({"order": 11}, "order"), ({"order": -1}, "order"), ({"format": "x"}, "format")):
        answer = service.get("/v1/surveys/gamma/coverage", **query)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)
    assert service.get("/v1/surveys/delta/coverage").status_code == 404
