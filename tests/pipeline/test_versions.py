"""From measurements to a published version: the truth comes back, every step is kept, and nothing is edited."""

from dataclasses import replace

import numpy as np
import pytest

from app.domain.errors import ConflictError, UnknownVersionError
from app.domain.versions import VersionState
from app.pipeline.calibrate import calibrate
from app.pipeline.cross_fit import validate_by_cross_fit
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.pipeline.publish import publish, rollback
from app.pipeline.validate import validate
from app.storage import bulk, versions
from tests.support.universe import fill


def make_version(database, plan=None):
    version_id = calibrate(database, plan or default_plan())
    homogenize_stars(database, version_id)
    return version_id


def read(database, query):
    with database.connect() as connection:
        return bulk.copy_out(connection, query)


def test_the_truth_comes_back_with_honest_intervals(database):
    universe = fill(database, stars=5000)
    version_id = make_version(database)
    rows = read(database, f"SELECT * FROM homogenized WHERE version_id = {version_id} ORDER BY star_id")
    assert len(rows["star_id"]) == len(universe.truth)
    truth = universe.truth[rows["star_id"] - 1]
    known = rows["teff_n"] > 0
    assert known.mean() > 0.95
    for p, (name, limit) in enumerate({"teff": 6.0, "logg": 0.012, "feh": 0.006}.items()):
        residual = rows[name][known] - truth[known, p]
        assert abs(np.median(residual)) < limit
        inside = (rows[f"{name}_lower"] <= truth[:, p]) & (truth[:, p] <= rows[f"{name}_upper"])
        assert inside[known].mean() == pytest.approx(0.68, abs=0.04)


def test_a_reference_parameter_counts_even_where_another_lies_outside_its_domain(database):
    fill(database)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE survey SET name = 'galah_dr3' WHERE name = 'lamost_lrs'")
        connection.exec_driver_sql("UPDATE measurement SET teff = teff + 4000 WHERE measurement_id = 3000")
    version_id = make_version(database, replace(default_plan(), members="as reported"))
    rows = read(
        database,
        f"SELECT c.in_domain, h.feh_n, h.teff_flags, h.feh_flags FROM calibrated c JOIN homogenized h "
        f"USING (version_id, star_id) WHERE version_id = {version_id} AND measurement_id = 3000",
    )
    assert not rows["in_domain"][0]
    assert rows["feh_n"][0] == 1
    assert rows["feh_flags"][0] & 2 == 0
    assert rows["teff_flags"][0] & 2 == 2


def test_every_measurement_is_kept_with_its_share(database):
    universe = fill(database)
    version_id = make_version(database)
    rows = read(database, f"SELECT * FROM calibrated WHERE version_id = {version_id}")
    assert len(rows["measurement_id"]) == universe.measurements
    stars = read(database, f"SELECT star_id, feh_n FROM homogenized WHERE version_id = {version_id}")
    weight = np.bincount(rows["star_id"], weights=rows["feh_weight"])[stars["star_id"]]
    assert np.allclose(weight[stars["feh_n"] > 0], 1.0, atol=1e-5)


def test_a_version_keeps_plan_inputs_software_and_models(database):
    fill(database)
    version_id = make_version(database)
    with database.connect() as connection:
        version = versions.get(connection, version_id)
        models = versions.models(connection, version_id)
    assert version.state is VersionState.READY
    assert version.plan["name"] == "default"
    assert version.software["xgboost-cpu"]
    kinds = {(model.survey, model.parameter): model.kind for model in models}
    assert kinds["apogee_dr17", "teff"] == "identity"
    assert kinds["lamost_lrs", "logg"] in {"quadratic", "boosted"}
    assert kinds["rave_dr6", "feh"] in {"constant", "linear"}


def test_the_same_input_gives_the_same_models_and_numbers(database):
    fill(database)
    first, second = make_version(database), make_version(database)
    with database.connect() as connection:
        checksums = [
            [model.artifact_sha256 for model in versions.models(connection, version)] for version in (first, second)
        ]
    assert checksums[0] == checksums[1]
    numbers = [
        read(database, f"SELECT teff, logg_lower, feh_chi2 FROM homogenized WHERE version_id = {v} ORDER BY star_id")
        for v in (first, second)
    ]
    for name in numbers[0]:
        assert np.array_equal(numbers[0][name], numbers[1][name], equal_nan=True)


def test_validation_finds_the_bias_before_and_none_after_and_is_kept(database):
    fill(database)
    version_id = make_version(database)
    report = validate(database, version_id)
    pairs = {(pair["survey"], pair["other"], pair["parameter"]): pair for pair in report["pairs"]}
    pair = pairs["lamost_lrs", "apogee_dr17", "logg"]
    assert pair["before"]["median"] == pytest.approx(0.25, abs=0.05)
    assert abs(pair["after"]["median"]) < 3 * pair["after"]["median_error"] + 0.005
    with database.connect() as connection:
        assert versions.get(connection, version_id).report == report


def test_cross_fitting_judges_all_common_stars(database):
    fill(database)
    version_id = make_version(database)
    held_out = validate(database, version_id)["pairs"][0]
    crossed = validate_by_cross_fit(database, version_id)
    pairs = {(pair["survey"], pair["other"], pair["parameter"]): pair for pair in crossed["pairs"]}
    assert pairs["lamost_lrs", "apogee_dr17", "teff"]["after"]["n"] == 1000
    assert held_out["after"]["n"] == 200
    assert abs(pairs["lamost_lrs", "apogee_dr17", "teff"]["after"]["median"]) < 6


def test_publishing_moves_one_pointer_and_back(database):
    fill(database)
    first, second = make_version(database), make_version(database)
    assert publish(database, first) is None
    assert publish(database, second) == first
    with database.connect() as connection:
        assert versions.current(connection) == second
        assert versions.get(connection, first).state is VersionState.RETIRED
    assert rollback(database) == first
    with database.connect() as connection:
        assert versions.current(connection) == first


def test_what_cannot_be_published_is_refused(database):
    fill(database)
    with pytest.raises(UnknownVersionError, match="no version 7"):
        publish(database, 7)
    with pytest.raises(ConflictError, match="no version was published before"):
        rollback(database)
    unfinished = calibrate(database, default_plan())
    with pytest.raises(ConflictError, match="only a complete version"):
        publish(database, unfinished)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt(), "interrupted before it was complete"), (OSError("disk full"), "disk full")],
)
def test_a_version_that_was_cut_off_is_failed_and_shows_nothing(database, error, reason):
    fill(database, stars=600)
    version_id = calibrate(database, default_plan())

    def cut_off(done, total):
        raise error

    with pytest.raises(type(error)):
        homogenize_stars(database, version_id, progress=cut_off)
    with database.connect() as connection:
        version = versions.get(connection, version_id)
    assert (version.state, version.reason) == (VersionState.FAILED, reason)
    assert read(database, "SELECT count(*) AS n FROM homogenized")["n"][0] == 0
    with pytest.raises(ConflictError):
        publish(database, version_id)


def test_without_the_reference_nothing_is_fitted_and_the_survey_is_named(database):
    with pytest.raises(ConflictError, match="apogee_dr17 has no measurements"):
        calibrate(database, default_plan())
