"""A version of the invented universe judged by its truth: every row finds its own, and the numbers are numpy's."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.errors import ParameterError, TableError, UnknownVersionError
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.pipeline.truth import judge_by_truth
from app.pipeline.truth_rows import read_truth
from app.storage import bulk
from tests.support.cli import sos
from tests.support.links import NOISE, bias_of
from tests.support.universe import fill

SURVEYS = ("apogee_dr17", "lamost_lrs", "rave_dr6")
BINARY = 7
"""Every so many stars are called binaries; nothing else sets them apart."""


def write_truth(file, truth, *, without=0, mixed=0):
    """Write the truth of all surveys in no order; the first `without` stars lack, and of the next, surveys disagree."""
    rng = np.random.default_rng(1)
    star = np.concatenate([np.arange(without, len(truth))] * len(SURVEYS))
    survey = np.repeat(SURVEYS, len(truth) - without)
    order = rng.permutation(len(star))
    star, survey = star[order], survey[order]
    other = (survey == "lamost_lrs") & (star >= 500) & (star < 500 + mixed)
    columns = {
        "survey": survey,
        "object_id": [f"{name}-{number + 1}" for name, number in zip(survey, star, strict=True)],
        "true_star": star + 10_000 * other,
        "teff": truth[star, 0],
        "logg": truth[star, 1],
        "feh": truth[star, 2],
        "outlier": star % BINARY == 0,
    }
    pq.write_table(pa.table(columns), file)
    return file


def only(parts, **named):
    return [part for part in parts if all(part[key] == value for key, value in named.items())]


def test_a_version_is_judged_by_the_truth_of_its_rows(database, tmp_path):
    """One version serves for all of these: it takes seconds to make."""
    universe = fill(database, stars=4000)
    version_id = calibrate(database, default_plan())
    homogenize_stars(database, version_id)
    file = write_truth(tmp_path / "truth.parquet", universe.truth)
    report = judge_by_truth(database, version_id, file)
    assert (report["measurements"], report["without_truth"]) == (universe.measurements, 0)
    assert (report["stars"], report["mixed_stars"], report["null_sky"]) == (4000, 0, None)
    the_biases_are_those_of_the_universe(report, universe.truth)
    the_numbers_are_those_of_numpy(report, database, universe.truth)
    the_intervals_hold_and_combining_helps(report)
    weak_surveys_and_corrections_are_judged(report)
    it_is_printed(database, file)
    with pytest.raises(UnknownVersionError):
        judge_by_truth(database, version_id + 1, file)
    rows_without_truth_and_mixed_stars_are_counted(database, tmp_path, universe)


def the_biases_are_those_of_the_universe(report, truth):
    injected = np.median(bias_of(truth[400:]), axis=0)
    for p, parameter in enumerate(("teff", "logg", "feh")):
        (found,) = only(report["bias"], survey="lamost_lrs", parameter=parameter, stars="all")
        assert abs(found["before"] - injected[p]) < 0.35 * NOISE[p]
        assert abs(found["after"]) < 0.12 * NOISE[p]
        assert found["cells"] > 0
        assert found["cell_after"] < 0.25 * NOISE[p]
        (apogee,) = only(report["bias"], survey="apogee_dr17", parameter=parameter, stars="all")
        assert apogee["before"] == pytest.approx(apogee["after"], abs=1e-6)


def the_numbers_are_those_of_numpy(report, database, truth):
    query = """SELECT c.star_id, c.teff, c.teff_lower, c.teff_upper, m.teff AS raw FROM calibrated AS c
               JOIN measurement AS m USING (measurement_id) JOIN star AS s USING (star_id)
               JOIN survey AS v ON v.survey_id = m.survey_id
               WHERE v.name = 'lamost_lrs' AND c.in_domain AND (c.split = 2 OR s.n_surveys = 1)"""
    with database.connect() as connection:
        rows = bulk.copy_out(connection, query)
    true = truth[rows["star_id"] - 1, 0]
    for stars, kept in (("all", rows["star_id"] > 0), ("no binaries", (rows["star_id"] - 1) % BINARY > 0)):
        lamost = {"parameter": "teff", "stars": stars}
        (bias,) = only(report["bias"], survey="lamost_lrs", **lamost)
        assert bias["n"] == kept.sum()
        assert bias["before"] == pytest.approx(np.median((rows["raw"] - true)[kept]), abs=0.01)
        assert bias["after"] == pytest.approx(np.median((rows["teff"] - true)[kept]), abs=0.01)
        (coverage,) = only(report["coverage"], of="lamost_lrs", **lamost)
        inside = (rows["teff_lower"] <= true) & (true <= rows["teff_upper"])
        assert coverage["covered"] == pytest.approx(inside[kept].mean(), abs=1e-3)


def the_intervals_hold_and_combining_helps(report):
    for part in only(report["coverage"], stars="all", of="2 surveys") + only(report["coverage"], of="all stars"):
        assert abs(part["covered"] - 0.6827) < 0.04 + 3 * part["error"]
        assert part["pull_width"] == pytest.approx(1.0, abs=0.15)
    one, two = (only(report["coverage"], of=of, parameter="feh", stars="all")[0] for of in ("1 survey", "2 surveys"))
    assert two["half_width"] < one["half_width"]
    gains = only(report["gain"], stars="all")
    assert {part["of"] for part in gains} >= {"lamost_lrs", "apogee_dr17", "2 surveys"}
    for part in only(gains, of="2 surveys") + only(gains, of="lamost_lrs"):
        assert part["combined"] < 1.05 * part["single"]
    assert all(part["combined"] < 0.6 * part["single"] for part in only(gains, of="lamost_lrs", parameter="teff"))


def weak_surveys_and_corrections_are_judged(report):
    offsets = only(report["zero_points"], survey="rave_dr6", stars="all")
    assert {part["fitted"] for part in offsets} == {"network"}
    assert all(part["n"] == pytest.approx(40, abs=3) for part in offsets)
    assert all(abs(part["mean"]) < 3 * np.hypot(part["error"], part["stated"]) for part in offsets)
    (domain,) = only(report["domain"], survey="lamost_lrs", stars="all")
    assert domain["inside"] > 500
    assert domain["flagged_inside"] < 0.05
    corrected = {(part["survey"], part["parameter"]) for part in report["corrections"]}
    assert ("lamost_lrs", "teff") in corrected
    assert not any(survey == "apogee_dr17" for survey, _ in corrected)
    (feh,) = only(report["corrections"], survey="lamost_lrs", parameter="feh", stars="all")
    assert feh["links"] == pytest.approx(1600 * 4 / 5, abs=80)  # of those that APOGEE saw too, train and conformalize
    assert feh["slopes"]["feh"]["slope"] > 5 * feh["slopes"]["feh"]["error"]


def it_is_printed(database, file):
    file.with_name("mock.json").write_text(json.dumps({"bias": False}))
    shown = sos("validate", "1", "--truth", file, database=database)
    assert shown.exit_code == 0, shown.output
    for title in ("bias: ", "coverage of the truth", "scatter about the truth", "domain: ", "zero points: "):
        assert title in shown.stdout
    assert "corrections on a sky without biases" in shown.stdout
    one = sos("validate", "1", "--truth", file, "--survey", "rave_dr6", database=database)
    assert "rave_dr6" in one.stdout
    assert "lamost_lrs" not in one.stdout
    found = json.loads(sos("validate", "1", "--truth", file, "--json", database=database).stdout)
    assert (found["version"], found["null_sky"]) == (1, True)
    assert found["bias"][0]["survey"] == "apogee_dr17"
    assert sos("validate", "1", "--truth", file, "--cross-fit", database=database).exit_code == 2
    versions = json.loads(sos("versions", "--json", database=database).stdout)
    assert versions[0]["state"] == "ready"
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT report FROM version").scalar_one() is None  # nothing is kept


def rows_without_truth_and_mixed_stars_are_counted(database, tmp_path, universe):
    file = write_truth(tmp_path / "part.parquet", universe.truth, without=100, mixed=30)
    report = judge_by_truth(database, 1, file)
    assert report["without_truth"] == 100 + 40  # the first 100 in APOGEE, 40 of them in RAVE; LAMOST begins later
    assert report["mixed_stars"] == 30
    pq.write_table(read_truth(file).set_column(0, "survey", pa.array(["elsewhere"] * len(read_truth(file)))), file)
    with pytest.raises(TableError, match="the truth of another sky"):
        judge_by_truth(database, 1, file)


def test_a_file_that_is_no_truth_is_refused_with_what_is_missing(tmp_path):
    with pytest.raises(ParameterError, match=r"--truth: .*truth.parquet is not a file"):
        read_truth(tmp_path / "truth.parquet")
    text = tmp_path / "truth.csv"
    text.write_text("survey,object_id\n")
    with pytest.raises(TableError, match="no Parquet table"):
        read_truth(text)
    table = tmp_path / "table.parquet"
    pq.write_table(pa.table({"survey": ["a"], "object_id": ["b"]}), table)
    with pytest.raises(TableError, match="column true_star"):
        read_truth(table)
