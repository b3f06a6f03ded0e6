"""The real tables, judged on stars that no model has seen: LAMOST giants and GALAH on APOGEE's scale."""

import pytest

from app.pipeline.calibrate import calibrate
from app.pipeline.cross_fit import validate_by_cross_fit
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.ingest import ingest_folder
from app.pipeline.plans import default_plan
from app.pipeline.validate import validate

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(2400)]

LARGEST_MEDIAN = {"teff": 5.0, "logg": 0.02, "feh": 0.02}
LARGEST_IN_A_BIN = {"teff": 6.0, "logg": 0.03, "feh": 0.02}
EXPECTED_SCATTER = {"teff": 32.9, "logg": 0.129, "feh": 0.072}


def giants(report):
    return {
        pair["parameter"]: pair
        for pair in report["pairs"]
        if (pair["survey"], pair["other"]) == ("lamost_lrs_giants", "apogee_dr17")
    }


def judge(pairs):
    for parameter, pair in pairs.items():
        after = pair["after"]
        assert abs(after["median"]) <= LARGEST_MEDIAN[parameter]
        assert after["scatter"] <= 1.1 * EXPECTED_SCATTER[parameter] + after["scatter_error"]
        assert after["scatter"] < 0.8 * pair["before"]["scatter"]
        for part in pair["bins_after"]:
            assert abs(part["median"]) <= LARGEST_IN_A_BIN[parameter] + 2 * part["error"]


def test_giants_and_galah_agree_with_apogee_on_unseen_stars(database, real_data):
    ingest_folder(database, real_data)
    crossmatch(database, survey_radii(database))
    version_id = calibrate(database, default_plan())
    homogenize_stars(database, version_id)
    held_out = giants(validate(database, version_id))
    assert held_out["teff"]["after"]["n"] > 150
    judge(held_out)
    crossed = validate_by_cross_fit(database, version_id)
    assert giants(crossed)["teff"]["after"]["n"] > 900
    judge(giants(crossed))
    galah = [pair for pair in crossed["pairs"] if pair["survey"] == "galah_dr4" and pair["other"] == "apogee_dr17"]
    teff = next(pair for pair in galah if pair["parameter"] == "teff")
    assert abs(teff["after"]["median"]) <= 8.0
