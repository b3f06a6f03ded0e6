"""What surveys share reaches the stars: measured after calibration, kept with the version, used in the combination."""

import numpy as np
import pytest

from app.pipeline.calibrate import calibrate
from app.pipeline.consistency import shared_errors
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.plans import default_plan
from app.storage import bulk, versions
from tests.support.universe import fill

SURVEYS = ["apogee_dr17", "lamost_lrs", "rave_dr6"]


def stars(database, version_id):
    with database.connect() as connection:
        return bulk.copy_out(connection, f"SELECT * FROM homogenized WHERE version_id = {version_id} ORDER BY star_id")


def test_an_honest_universe_has_no_extra_scatter_and_shared_zero_points_widen_pairs_alone(database):
    fill(database, stars=1200)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE measurement SET rho_teff_feh = 0.5 WHERE survey_id = 1")
    version_id = calibrate(database, default_plan())
    homogenize_stars(database, version_id)
    with database.connect() as connection:
        metrics = versions.get(connection, version_id).metrics
    extra, repeats = metrics["extra_scatter"], metrics["repeat_correlation"]
    assert sorted(extra["surveys"]) == sorted(repeats["surveys"]) == SURVEYS
    assert max(extra["teff"]) < 60
    assert max(extra["logg"]) < 0.1
    assert repeats["feh"] == [0.0] * 3
    assert repeats["feh_stars"] == [0] * 3
    before = stars(database, version_id)

    alone = (before["star_id"] <= 120) & (before["star_id"] > 40)
    assert set(before["teff_n"][alone]) == {1}
    assert before["rho_teff_feh"][alone] == pytest.approx(np.full(alone.sum(), 0.5))
    assert np.isnan(before["rho_teff_logg"][alone]).all()

    covariance = np.full((3, 3), 15.0**2).tolist()
    none = np.zeros((3, 3)).tolist()
    with database.begin() as connection:
        zero_points = {"surveys": SURVEYS, "teff": covariance, "logg": none, "feh": none}
        versions.set_metrics(connection, version_id, {"zero_points": zero_points})
    homogenize_stars(database, version_id)
    after = stars(database, version_id)
    width = [rows["teff_upper"] - rows["teff_lower"] for rows in (before, after)]
    several = before["teff_n"] > 1
    assert width[1][alone] == pytest.approx(width[0][alone], rel=1e-4)
    assert np.median(width[1][several]) > np.median(width[0][several])


def test_metrics_are_read_by_name_and_zero_where_they_say_nothing():
    metrics = {
        "zero_points": {
            "surveys": ["b", "a"],
            "teff": [[4.0, 1.0], [1.0, 9.0]],
            "logg": [[0.0, 0.0], [0.0, 0.0]],
            "feh": [[0.0, 0.0], [0.0, 0.25]],
        },
        "extra_scatter": {"surveys": ["c", "a"], "teff": [2.0, 3.0], "logg": [0.0, None], "feh": [0.0, 0.1]},
    }
    shared = shared_errors(metrics, ["a", "b", "c"])
    assert shared.zero_point[0].tolist() == [[9.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 0.0]]
    assert shared.zero_point[2, 0, 0] == 0.25
    assert shared.extra_scatter.tolist() == [[3.0, 0.0, 2.0], [0.0, 0.0, 0.0], [0.1, 0.0, 0.0]]
    assert not shared.repeat_correlation.any()
    assert not shared_errors({}, ["a"]).zero_point.any()
