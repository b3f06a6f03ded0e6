"""`POST /v1/convert`: raw values become the stored ones, intervals hold, and nothing is dropped or guessed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from pydantic import TypeAdapter
from sqlalchemy import Connection

from app.api.models.conversion import Conversion
from app.domain.conversions import ROLES, ConversionRequest
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.models import load_model
from app.pipeline.plans import default_plan
from app.pipeline.user_tables import read_upload
from app.science.calibration.survey_model import SurveyModel
from app.services import conversion as service
from app.storage import bulk, versions
from app.storage.engine import Database
from tests.support import servers, universe
from tests.support.first_requests import Request, loaded_after_rehearsals
from tests.support.http import Service, serving
from tests.support.universe import Universe

NAMES = ("teff", "logg", "feh")
_ROWS = """
SELECT c.star_id, c.split, m.snr, m.teff AS teff_raw, m.logg AS logg_raw, m.feh AS feh_raw, c.in_domain, c.flags,
       c.teff, c.logg, c.feh, c.teff_lower, c.logg_lower, c.feh_lower, c.teff_upper, c.logg_upper, c.feh_upper
FROM calibrated AS c JOIN measurement AS m USING (measurement_id) JOIN survey AS s ON s.survey_id = m.survey_id
WHERE s.name = '{}' AND c.version_id = 1 ORDER BY measurement_id"""


@dataclass(frozen=True)
class Made:
    """A published universe, what is stored of two surveys, and the service on it."""

    universe: Universe
    lamost: dict[str, Any]
    apogee: dict[str, Any]
    database: Database
    service: Service

    def convert(self, stars: list[dict], source: str, target: str | None = None, **query: Any) -> dict:
        """Return the answer to stars given as JSON."""
        body = {"from": source, "stars": stars} | ({"to": target} if target else {})
        answer = self.service.post("/v1/convert", json.dumps(body), "application/json", **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def made(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A universe whose surveys have S/N: version 1 as planned and published, version 2 with direct models."""
    with servers.scratch_database(server_url, template) as database:
        truth = universe.fill(database, stars=2500)
        with database.begin() as connection:
            connection.exec_driver_sql("UPDATE measurement SET snr = 20 + mod(measurement_id * 37, 100)")
        plan = default_plan()
        first = calibrate(database, plan)
        homogenize_stars(database, first)
        second = calibrate(database, replace(plan, fit=replace(plan.fit, direction="direct")))
        homogenize_stars(database, second)
        with database.begin() as connection:
            versions.publish(connection, first)
            lamost, apogee = (bulk.copy_out(connection, _ROWS.format(name)) for name in ("lamost_lrs", "apogee_dr17"))
        with serving(database, state=tmp_path_factory.mktemp("state")) as service:
            yield Made(truth, lamost, apogee, database, service)


def stars_of(rows: dict[str, Any], *extra: str, suffix: str = "_raw") -> list[dict]:
    names = {name: f"{name}{suffix}" for name in NAMES} | {name: name for name in extra}
    columns = {name: rows[column].tolist() for name, column in names.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def ends(answer: dict, end: str = "value") -> np.ndarray:
    return np.array([[star[name][end] for name in NAMES] for star in answer["stars"]], dtype=float)


def flags(answer: dict) -> np.ndarray:
    return np.array([star["flags"] for star in answer["stars"]])


def in_domain(answer: dict) -> np.ndarray:
    return np.array([star["in_domain"] for star in answer["stars"]])


def held(answer: dict, values: np.ndarray) -> np.ndarray:
    inside = (ends(answer, "lower") <= values) & (values <= ends(answer, "upper"))
    return inside[in_domain(answer)].mean(axis=0)


def test_a_surveys_raw_values_become_the_stored_ones(made: Made):
    answer = made.convert(stars_of(made.lamost, "snr"), "lamost_lrs")
    TypeAdapter(Conversion).validate_python(answer, extra="forbid")
    assert (answer["version"], answer["from"], answer["to"]) == (1, "lamost_lrs", "unified")
    assert answer["count"] == len(answer["stars"]) == len(made.lamost["teff"])
    assert [star["row"] for star in answer["stars"]] == list(range(1, answer["count"] + 1))
    stored = np.column_stack([made.lamost[name] for name in NAMES])
    assert np.array_equal(ends(answer).astype(np.float32), stored.astype(np.float32))
    assert (in_domain(answer) == made.lamost["in_domain"]).mean() > 0.999
    assert ((flags(answer) & 3) == (made.lamost["flags"] & 3)).mean() > 0.999
    assert (flags(answer) & ~3 == 0).all()
    for end in ("lower", "upper"):
        width = np.column_stack([made.lamost[f"{name}_{end}"] for name in NAMES]) - stored
        # Draws belong to rows here and to measurements there: where the bias bends, intervals differ by their noise.
        assert np.quantile(np.abs((ends(answer, end) - stored) / width - 1), 0.99) < 0.02
    used = {(model["survey"], model["parameter"], model["direction"]) for model in answer["models"]}
    assert used == {("lamost_lrs", name, "forward") for name in NAMES}


def test_from_the_unified_scale_to_a_survey_and_back(made: Made):
    truth = made.universe.truth[::5]
    there = made.convert([dict(zip(NAMES, star, strict=True)) for star in truth.tolist()], "unified", "lamost_lrs")
    assert (flags(there)[in_domain(there)] == 4 | 8).all()  # no errors, and typical S/N
    stars = [{name: star[name]["value"] for name in NAMES} for star in there["stars"]]
    back = made.convert(stars, "lamost_lrs")
    sure = in_domain(there) & np.array([star["converged"] for star in back["stars"]])
    assert sure.mean() > 0.9
    assert (np.abs(ends(back) - truth)[sure].max(axis=0) < [0.5, 1e-3, 1e-3]).all()


def test_the_truth_is_within_the_intervals_as_often_as_they_say(made: Made):
    three_errors = 3 * np.sqrt(0.68 * 0.32 / 700)  # of a conformal step on the links that there are
    truth = made.universe.truth[made.lamost["star_id"] - 1]
    unified = held(made.convert(stars_of(made.lamost, "snr"), "lamost_lrs"), truth)
    assert unified == pytest.approx(0.68, abs=three_errors)
    known = [dict(zip(NAMES, star, strict=True)) for star in truth.tolist()]
    reported = np.column_stack([made.lamost[f"{name}_raw"] for name in NAMES])
    assert held(made.convert(known, "unified", "lamost_lrs"), reported) == pytest.approx(unified, abs=0.015)


def test_what_another_survey_reported_of_a_star_is_within_the_interval(made: Made):
    common, mine, theirs = np.intersect1d(made.lamost["star_id"], made.apogee["star_id"], return_indices=True)
    unseen = made.lamost["split"][mine] == 2
    mine, theirs = mine[unseen], theirs[unseen]
    assert len(common) > len(mine) > 150
    lamost, apogee = (
        {name: rows[place] for name, rows in which.items()}
        for which, place in ((made.lamost, mine), (made.apogee, theirs))
    )
    for rows, source, others, target in (
        (lamost, "lamost_lrs", apogee, "apogee_dr17"),
        (apogee, "apogee_dr17", lamost, "lamost_lrs"),
    ):
        answer = made.convert(stars_of(rows, "snr"), source, target)
        reported = np.column_stack([others[f"{name}_raw"] for name in NAMES])
        assert held(answer, reported) == pytest.approx(0.68, abs=0.1)
        assert {model["survey"] for model in answer["models"]} == {source, target}


def test_the_errors_of_a_reference_are_its_own_and_those_of_others_are_known_to_the_models(made: Made):
    star = {"teff": 4700, "logg": 2.2, "feh": -0.3, "snr": 50}
    errors = {"teff_err": 60, "logg_err": 0.1, "feh_err": 0.05}
    [given] = made.convert([star | errors], "apogee_dr17")["stars"]
    assert (given["teff"], given["flags"]) == ({"value": 4700.0, "lower": 4640.0, "upper": 4760.0}, 0)
    [typical] = made.convert([star], "apogee_dr17")["stars"]
    assert typical["teff"]["upper"] == pytest.approx(4700 + universe.APOGEE_ERROR[0], rel=1e-6)
    assert typical["flags"] == 4
    plain, quoted = made.convert([star, star | errors], "lamost_lrs")["stars"]
    assert quoted["teff"]["value"] == plain["teff"]["value"]
    assert (plain["flags"], quoted["flags"]) == (0, 64)


def test_every_row_comes_back_with_what_is_known_of_it(made: Made):
    usual = {"teff": 4700, "logg": 2.2, "feh": -0.3, "snr": 50}
    rows = [
        usual,
        usual | {"snr": None},
        usual | {"snr": -9999},
        usual | {"feh": None},
        usual | {"teff": -9999.0},
        {},
        usual | {"teff": 9000, "logg": 4.6},
    ]
    answer = made.convert(rows, "lamost_lrs")
    assert answer["count"] == len(rows)
    found = flags(answer)
    assert found[:3].tolist() == [0, 8, 8]
    assert [bits & 32 for bits in found] == [0, 0, 0, 32, 32, 32, 0]
    assert found[6] & 2
    for star in answer["stars"][3:6]:
        assert star["teff"] == star["feh"] == {"value": None, "lower": None, "upper": None}
    assert (answer["stars"][1], answer["stars"][2]["teff"]) == (
        answer["stars"][2] | {"row": 2},
        answer["stars"][1]["teff"],
    )
    assert made.convert([], "lamost_lrs")["stars"] == []


@pytest.mark.parametrize("form", ["csv", "parquet", "fits", "votable"])
def test_a_table_comes_back_whole_with_the_converted_columns(made: Made, form: str):
    rows = {name: values[:200] for name, values in made.lamost.items()}
    table = Table({"name": [f"s{n}" for n in range(200)], "SNR": rows["snr"], "in_domain": np.arange(200)})
    for name in NAMES:
        table[name.upper()] = rows[f"{name}_raw"]
    out = io.BytesIO()
    if form == "csv":
        text = io.StringIO()
        table.write(text, format="ascii.csv")
        out.write(text.getvalue().encode())
    elif form == "parquet":
        pq.write_table(pa.table({name: np.array(table[name]) for name in table.colnames}), out)
    else:
        table.write(out, format=form)
    answer = made.service.post("/v1/convert", out.getvalue(), "application/octet-stream", **{"from": "lamost_lrs"})
    assert answer.status_code == 200, answer.text
    assert (answer.headers["X-SoS-Version"], answer.headers["X-SoS-Rows"]) == ("1", "200")
    assert answer.headers["content-disposition"].startswith('attachment; filename="convert_v1.')
    if form == "csv":
        found = list(csv.DictReader(io.StringIO(answer.text)))
        names, values, place = (
            list(found[0]),
            [float(row["teff_unified"]) for row in found],
            [int(row["in_domain"]) for row in found],
        )
    else:
        read = (
            pq.read_table(io.BytesIO(answer.content))
            if form == "parquet"
            else Table.read(io.BytesIO(answer.content), format=form)
        )
        names = read.column_names if form == "parquet" else read.colnames
        values, place = (np.array(read[name]) for name in ("teff_unified", "in_domain"))
    if form in {"parquet", "votable"}:
        assert b"from lamost_lrs to unified; columns teff: TEFF, logg: LOGG" in answer.content
    assert names[:6] == ["name", "SNR", "in_domain", "TEFF", "LOGG", "FEH"]
    assert names[6:9] == ["teff_unified", "teff_unified_lower", "teff_unified_upper"]
    assert names[-3:] == ["sos_in_domain", "converged", "conversion_flags"]
    assert np.array_equal(np.array(values).astype(np.float32), rows["teff"].astype(np.float32))
    assert np.array_equal(place, np.arange(200))


def test_a_tables_columns_are_shown_and_may_be_named(made: Made):
    body = "x,y,z,teff\n4700,2.2,-0.3,1\n"
    query = {"from": "lamost_lrs", "to": "apogee_dr17", "format": "json", "teff": "x", "logg": "y", "feh": "z"}
    answer = made.service.post("/v1/convert", body, "text/csv", **query).raise_for_status().json()
    assert answer["columns"] == {"teff": "x", "logg": "y", "feh": "z"}
    same = made.convert([{"teff": 4700, "logg": 2.2, "feh": -0.3}], "lamost_lrs", "apogee_dr17")
    assert answer["stars"] == same["stars"]


def test_a_version_converts_with_its_own_models_and_names_their_direction(made: Made):
    stars = stars_of(made.lamost, "snr")[:300]
    direct = made.convert(stars, "lamost_lrs", version=2)
    assert (direct["version"], {model["direction"] for model in direct["models"]}) == (2, {"direct"})
    assert not np.array_equal(ends(direct), ends(made.convert(stars, "lamost_lrs", version=1)))
    answer = made.service.post(
        "/v1/convert",
        json.dumps({"from": "unified", "to": "lamost_lrs", "stars": stars[:1]}),
        "application/json",
        version=2,
    )
    assert answer.status_code == 422
    assert "are direct: they lead to 'unified' only" in answer.json()["detail"]
    assert made.service.post("/v1/convert", "{}", "application/json", version=9).status_code == 422
    body = json.dumps({"from": "lamost_lrs", "stars": []})
    assert made.service.post("/v1/convert", body, "application/json", version=9).status_code == 404


def test_what_was_tabulated_once_is_read_by_the_next_process(made: Made, server_url: str, tmp_path: Path):
    stars = stars_of(made.lamost, "snr")[:50]
    first = made.convert(stars, "lamost_lrs")
    url = made.service.app.state.factory._files.url
    for _ in range(2):
        with serving(Database(url), state=tmp_path) as service:
            body = json.dumps({"from": "lamost_lrs", "stars": stars})
            assert service.post("/v1/convert", body, "application/json").json() == first
        assert len(list((tmp_path / "cache").glob("*.npz"))) == 1


STAR = {"teff": 4700, "logg": 2.2, "feh": -0.3}


@pytest.mark.parametrize(
    ("body", "parameter", "words"),
    [
        ({"from": "lamost_lrs", "stars": [STAR, STAR | {"feh": "x"}]}, "stars", "row 2, feh: 'x' is no number"),
        ({"from": "lamost_lrs", "stars": [STAR | {"teff": True}]}, "stars", "row 1, teff: True is no number"),
        ({"from": "lamost_lrs", "stars": [STAR | {"tef": 1}]}, "stars", "row 1: there is no 'tef'"),
        ({"from": "lamost_lrs", "stars": [STAR, 5]}, "stars", "row 2 must be an object"),
        ({"from": "lamost_lrs"}, "stars", "is missing"),
        ([STAR], "stars", "is missing"),
        ({"from": "lamost_lrs", "stars": [], "too": "x"}, "too", "is no member"),
        ({"stars": [STAR]}, "from", "is missing: the survey on whose scale"),
        ({"from": 5, "stars": [STAR]}, "from", "must be the name of a survey"),
        ({"from": "moon", "stars": [STAR]}, "from", "no models of 'moon'; it knows unified, apogee_dr17, lamost_lrs"),
        ({"from": "lamost_lrs", "to": "moon", "stars": [STAR]}, "to", "no models of 'moon'"),
        ({"from": "lamost_lrs", "to": "lamost_lrs", "stars": [STAR]}, "to", "the scale that the values are on already"),
    ],
)
def test_a_body_that_cannot_be_used_is_named(made: Made, body: object, parameter: str, words: str):
    answer = made.service.post("/v1/convert", json.dumps(body), "application/json")
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


@pytest.mark.parametrize(
    ("content", "query", "parameter", "words"),
    [
        ("teff,logg,feh\n4700,2.2,-0.3\n4700,x,-0.3\n", {}, "logg", "column 'logg', row 2: 'x' is no number"),
        ("teff,logg\n4700,2.2\n", {}, "feh", "Name one of teff, logg by feh="),
        ("teff,logg,feh\n4700,2.2,-0.3\n", {"feh": "logg"}, "feh", "is taken for another quantity"),
        ("teff,logg,feh\n4700,2.2,-0.3\n", {"snr": "sn"}, "snr", "no column 'sn'; it has teff, logg, feh"),
        ("teff,logg,feh\ntrue,2.2,-0.3\n", {}, "teff", "holds bool, not numbers"),
        (
            "teff,logg,feh\n1,2.2,-0.3\n",
            {"scale": "x"},
            "scale",
            "is no parameter of this call; it takes version, from, to",
        ),
        ("teff,logg,feh\n1,2.2,-0.3\n", {"format": "xls"}, "format", "'json', 'csv'"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(made: Made, content: str, query: dict, parameter: str, words: str):
    answer = made.service.post("/v1/convert", content, "text/csv", **({"from": "lamost_lrs"} | query))
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


def test_scales_and_columns_stand_in_one_place_only(made: Made):
    body = json.dumps({"from": "lamost_lrs", "stars": [STAR]})
    for query, parameter in (({"from": "lamost_lrs"}, "from"), ({"teff": "x"}, "teff")):
        answer = made.service.post("/v1/convert", body, "application/json", **query)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)
    alone = json.dumps({"stars": [STAR]})
    answer = made.service.post("/v1/convert", alone, "application/json", **{"from": "lamost_lrs", "format": "csv"})
    assert answer.text.startswith('"teff","logg","feh","teff_unified"')


def test_as_many_rows_as_may_be_are_converted_and_one_more_is_refused(made: Made):
    stars = [STAR] * 100_000
    answer = made.convert(stars, "lamost_lrs", "apogee_dr17")
    assert answer["count"] == 100_000
    assert len({star["teff"]["value"] for star in answer["stars"]}) == 1
    body = json.dumps({"from": "lamost_lrs", "stars": [*stars, STAR]})
    answer = made.service.post("/v1/convert", body, "application/json")
    assert answer.status_code == 413
    assert "100,000 rows at most, got 100,001" in answer.json()["detail"]
    answer = made.service.post("/v1/convert", b'{"stars":[' + b"{}," * 1_000_000 + b"{}]}", "application/json")
    assert (answer.status_code, "far more values" in answer.json()["detail"]) == (413, True)
    content = "teff,logg,feh\n" + "4700,2.2,-0.3\n" * 100_001
    assert made.service.post("/v1/convert", content, "text/csv", **{"from": "lamost_lrs"}).status_code == 413


def test_many_who_ask_at_once_wait_for_one_and_the_same_model(made: Made):
    factory = made.service.app.state.factory
    asked: list[str] = []

    def load(connection: Connection, parts: Mapping[str, str]) -> SurveyModel:
        asked.append(parts["frame"])
        return load_model(connection, parts)

    conversion = service.Conversion(factory._files, read_upload, load)
    given = {name: [STAR.get(name)] for name in ROLES}
    wanted = ConversionRequest("lamost_lrs", "rave_dr6", {})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: conversion.stars(given, wanted).values.value.tolist(), range(16)))
    assert len(asked) == len(set(asked)) == 2
    assert all(one == found[0] for one in found)


def test_a_process_that_has_rehearsed_loads_nothing_to_convert(made: Made, tmp_path: Path):
    star = {"teff": 4800.0, "logg": 2.4, "feh": -0.2, "snr": 60.0}
    ways = (("lamost_lrs", "unified"), ("unified", "lamost_lrs"), ("apogee_dr17", "lamost_lrs"))
    requests = [
        Request("/v1/convert", {}, json.dumps({"from": source, "to": target, "stars": [star]}), "application/json")
        for source, target in ways
    ]
    loaded = loaded_after_rehearsals(made.database, requests, tmp_path)
    assert loaded.statuses == [200, 200, 200]
    assert loaded.modules == []
    assert loaded.functions == []
