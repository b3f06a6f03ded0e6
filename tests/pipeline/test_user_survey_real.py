"""Real tables sent by a user: surveys that the catalogue does not have, judged as if they had been ingested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.domain.user_surveys import UserSurveyRequest
from app.pipeline.calibrate import calibrate
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.ingest import ingest_folder
from app.pipeline.plans import default_plan
from app.storage.engine import Database
from tests.support import servers
from tests.support.homogenized import homogenized

pytestmark = [pytest.mark.real, pytest.mark.slow]

GIANTS, MRS = "lamost_lrs_dr3_giants.csv", "lamost_mrs_clusters.csv"
LARGEST_MEDIAN = {"teff": 5.0, "logg": 0.02, "feh": 0.02}
EXPECTED_SCATTER = {"teff": 32.9, "logg": 0.129, "feh": 0.072}
"""Of the calibrated LAMOST giants about APOGEE, where they are ingested: tests/pipeline/test_real_scale.py."""


@pytest.fixture(scope="module")
def catalogue(
    server_url: str, template: str, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, int]]:
    """A version of all real surveys but the LAMOST giants and LAMOST MRS."""
    folder = tmp_path_factory.mktemp("ingested")
    for file in real_data.glob("*.*"):
        if file.name not in {GIANTS, MRS} and file.suffix in {".csv", ".fits"}:
            (folder / file.name).symlink_to(file)
    with servers.scratch_database(server_url, template) as database:
        ingest_folder(database, folder)
        crossmatch(database, survey_radii(database))
        version = calibrate(database, default_plan())
        homogenize_stars(database, version)
        yield database, version


def report_of(catalogue: tuple[Database, int], content: bytes, wanted: UserSurveyRequest) -> dict:
    return homogenized(*catalogue, content, wanted).report


def test_lamost_giants_come_out_as_if_they_were_a_survey(catalogue, real_data: Path):
    wanted = UserSurveyRequest(radius=3 / 3600, columns={"k_mag": "K"})
    report = report_of(catalogue, (real_data / GIANTS).read_bytes(), wanted)
    assert report["matches"]["rows"] == 22_161
    assert report["matches"]["stars"] > 900
    assert report["matches"]["repeats"] == []
    for name, part in report["parameters"].items():
        assert "fitted by itself" in part["why"]
        before, after = part["held_out"]["before"], part["held_out"]["after"]
        assert after["n"] > 150
        assert abs(after["median"]) <= LARGEST_MEDIAN[name] + after["median_error"], name
        assert after["scatter"] <= 1.1 * EXPECTED_SCATTER[name] + after["scatter_error"], name
        assert after["scatter"] < 0.85 * before["scatter"], name
        covered = part["coverage"]["overall"]
        assert covered["covered"] > 0.683 - 3 * covered["error"], (
            name
        )  # APOGEE's errors of Teff are larger than the scatter
    assert report["parameters"]["logg"]["held_out"]["before"]["median"] > 0.3


def test_lamost_mrs_is_fitted_with_few_links(catalogue, real_data: Path):
    content = (real_data / MRS).read_bytes()
    report = report_of(catalogue, content, UserSurveyRequest())
    assert 50 < report["matches"]["stars"] < 500
    for name, part in report["parameters"].items():
        assert part["model"] in {"constant", "linear"}
        assert part["errors"]["rows_with_own"] > 500
        after = part["held_out"]["after"]
        assert abs(after["median"]) < 3 * np.hypot(after["median_error"], part["correction_error"]), name


def test_a_survey_that_is_in_is_told_so(catalogue, real_data: Path):
    content = (real_data / "galah_dr3.fits").read_bytes()
    report = report_of(catalogue, content, UserSurveyRequest(columns={"id": "dr3_source_id"}))
    repeats = {one["survey"]: one for one in report["matches"]["repeats"]}
    assert repeats["galah_dr3"]["identical"] > 0.95 * repeats["galah_dr3"]["rows"] > 0
    assert "repeat its values" in report["warnings"][0]
