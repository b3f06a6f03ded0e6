"""The validation report of a version says what the invented universe is, and the gate stands before its readers."""

import json

import numpy as np
import pytest

from app.domain.errors import ConflictError
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.pipeline.publish import publish, rollback
from app.pipeline.validate import validate
from app.pipeline.validation_parts import third_survey
from app.pipeline.validation_rows import load_test_stars, zero_points
from app.science.calibration.plan import parse_plan, plan_mapping
from app.storage import versions
from tests.support.two_surveys import survey_of, truth_of
from tests.support.universe import fill


def plan_with_gate(**gate):
    return parse_plan(plan_mapping(default_plan()) | {"gate": gate}, file="test")


def make_version(database, plan=None):
    version_id = calibrate(database, plan or default_plan())
    homogenize_stars(database, version_id)
    return version_id


def only(parts, **named):
    return [part for part in parts if all(part[key] == value for key, value in named.items())]


def test_a_version_is_judged_on_test_stars_in_every_part(database):
    """One version serves for all of these: it takes seconds to make."""
    fill(database)
    version_id = make_version(database)
    with database.begin() as connection:
        only_test_stars_enter(load_test_stars(connection, version_id))
        versions.add_report(connection, version_id, {}, {"offsets_gone.png": (b"x", "image/png")})
    the_parts_say_what_the_universe_is(validate(database, version_id))
    with database.connect() as connection:
        the_figures_are_new(connection, version_id)
    publish(database, version_id, force=True)
    assert publications(database) == ["publish"]  # nothing had to be forced


def only_test_stars_enter(test):
    for surveys in (test.means, test.firsts):
        assert all((part.star % 5 == 4).all() for part in surveys.values())
    assert len(test.means["lamost_lrs"].star) == 200
    assert 400 < len(test.kiel_after["lamost_lrs"]) <= 450  # also those that no other survey saw


def the_parts_say_what_the_universe_is(report):
    lamost = {"survey": "lamost_lrs", "other": "apogee_dr17"}
    (trend,) = only(report["trends"], **lamost, parameter="feh", against="feh", abscissa="mean")
    assert trend["n"] <= 200
    assert abs(trend["before"]["slope"]) > 5 * trend["before"]["error"]
    assert abs(trend["after"]["slope"] - trend["null_slope"]) < 4 * trend["after"]["error"]
    for covered in only(report["coverage"], **lamost):
        assert abs(covered["overall"]["covered"] - 0.6827) < 0.05 + 3 * covered["overall"]["error"]
    assert {part["subset"] for part in only(report["pulls"], kind="survey")} >= {"lamost_lrs", "apogee_dr17"}
    for part in only(report["pulls"], subset="lamost_lrs - apogee_dr17"):
        assert abs(part["median"]) < 4 * part["median_error"] + 0.1
        assert abs(part["width"] - 1) < 4 * part["width_error"] + 0.15
    distances = only(report["kiel"]["distances"], **lamost)
    assert distances
    assert all(part["after"]["distance"] < 0.3 * part["before"]["distance"] for part in distances)
    assert report["external"]["seismology"] == {"state": "not loaded"}
    assert report["gate"] == {"limits": {}, "passed": True, "failures": []}
    assert report["circular"]
    json.dumps(report, allow_nan=False)


def the_figures_are_new(connection, version_id):
    names = versions.figure_names(connection, version_id)
    stems = {name.removesuffix(".png") for name in names if name.endswith(".png")}
    assert stems >= {"offsets_lamost_lrs_apogee_dr17", "trends_teff", "trends_logg", "trends_feh", "kiel_1"}
    assert stems >= {"coverage", "pulls"}
    assert {f"{stem}.svg" for stem in stems} == {name for name in names if name.endswith(".svg")}
    assert "offsets_gone.png" not in names
    assert versions.figure(connection, version_id, "trends_logg.svg").media_type == "image/svg+xml"


def publications(database):
    with database.connect() as connection:
        return connection.exec_driver_sql("SELECT action FROM publication_event ORDER BY event_id").scalars().all()


def test_zero_points_are_put_in_the_order_of_the_surveys(database):
    fill(database, stars=600)
    version_id = calibrate(database, default_plan())
    kept = {"surveys": ["b", "a"], "teff": [[4.0, 1.0], [1.0, 9.0]], "logg": [[0.4, 0], [0, 0]], "feh": [[None, 0]] * 2}
    with database.begin() as connection:
        versions.set_metrics(connection, version_id, {"zero_points": kept})
        found = zero_points(versions.get(connection, version_id), ["a", "other", "b"])
    assert found[0].tolist() == [[9.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 4.0]]
    assert found[1, 2, 2] == 0.4
    assert found[2].tolist() == np.zeros((3, 3)).tolist()


def test_the_third_survey_is_the_one_with_most_stars_in_common():
    truth = truth_of(200)
    whole = {name: survey_of(truth, np.ones(3), seed=seed) for seed, name in enumerate("abcd")}
    surveys = whole | {"c": whole["c"].at(np.arange(40)), "d": whole["d"].at(np.arange(90))}
    assert third_survey(surveys, "b", "a") == "d"
    assert third_survey({name: surveys[name] for name in "ab"}, "b", "a") is None
    assert third_survey(surveys | {"d": whole["d"].at(np.arange(5))}, "b", "a") == "c"


def test_a_version_that_fails_its_gate_is_served_by_force_alone_and_that_is_recorded(database):
    fill(database)
    version_id = make_version(database, plan_with_gate(max_median={"logg": 0.0}, fewest_stars=50))
    with pytest.raises(ConflictError, match="not been validated"):
        publish(database, version_id)
    validate(database, version_id)
    with pytest.raises(ConflictError, match=r"max_median: lamost_lrs - apogee_dr17, logg: -?0\.0"):
        publish(database, version_id)
    with pytest.raises(ConflictError, match="fails the gate"):
        rollback(database, version_id)
    with database.connect() as connection:
        assert versions.current(connection) is None
    publish(database, version_id, force=True)
    with database.connect() as connection:
        assert versions.current(connection) == version_id
    assert publications(database) == ["publish --force"]
