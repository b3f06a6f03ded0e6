"""The simulated sky through the whole pipeline, judged by its truth; and a sky without biases, where nothing may move.

Limits are those of skies of 60,000 and 30,000 stars: a million train the models far better. What is asked for here is
met with margin; docs/simulated_sky.md has the figures.
"""

import pytest

from app.pipeline.calibrate import calibrate
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.pipeline.plans import default_plan
from app.pipeline.truth import judge_by_truth

pytestmark = pytest.mark.slow

LARGE = ("galah_dr3", "lamost_lrs", "gaia_gspspec")
SMALL = ("small_a", "small_b")
LARGEST_MEDIAN = {"teff": 15.0, "logg": 0.03, "feh": 0.02}
LARGEST_CELL = {"teff": 12.0, "logg": 0.04, "feh": 0.03}
"""Median over populated cells of the absolute bias; LAMOST Teff apart, see below."""
LARGEST_EXCESS = {"teff": 90.0, "logg": 0.10, "feh": 0.08}
"""Worst cell of 100 stars or more, beyond its 2 sigma."""
COVERED = (0.63, 0.74)
PULL_WIDTH = (0.88, 1.15)


def version_of(database, folder, *, stars, seed, bias):
    write_sky(folder, stars=stars, seed=seed, bias=bias)
    ingest_folder(database, folder)
    crossmatch(database, survey_radii(database))
    version_id = calibrate(database, default_plan())
    homogenize_stars(database, version_id)
    return judge_by_truth(database, version_id, folder / "truth.parquet")


def only(parts, **named):
    return [part for part in parts if all(part[key] == value for key, value in named.items())]


def test_the_truth_of_60_000_stars_comes_back(database, tmp_path):
    report = version_of(database, tmp_path, stars=60_000, seed=5, bias=True)
    assert report["without_truth"] == 0
    assert report["mixed_stars"] < 0.001 * report["stars"]
    biases_are_gone_on_unseen_stars(report)
    intervals_hold_the_truth(report)
    combined_values_are_no_worse_than_the_best_survey(report)
    the_domain_flags_who_lies_outside(report)
    small_surveys_are_on_the_scale(report)


def biases_are_gone_on_unseen_stars(report):
    for survey in LARGE:
        for part in only(report["bias"], survey=survey, stars="all"):
            parameter = part["parameter"]
            assert part["cells"] >= 5, part
            assert abs(part["after"]) < LARGEST_MEDIAN[parameter], part
            factor = 2 if (survey, parameter) == ("lamost_lrs", "teff") else 1  # +-50 K under 120 K of noise
            assert part["cell_after"] < factor * LARGEST_CELL[parameter], part
            assert part["worst"] < LARGEST_EXCESS[parameter], part
    for survey, parameter in (("gaia_gspspec", "teff"), ("gaia_gspspec", "logg"), ("lamost_lrs", "feh")):
        (part,) = only(report["bias"], survey=survey, parameter=parameter, stars="all")
        assert part["cell_after"] < 0.5 * part["cell_before"], part
        assert abs(part["after"]) < 0.25 * abs(part["before"]), part


def intervals_hold_the_truth(report):
    judged = [part for part in report["coverage"] if part["kind"] == "combined" or part["of"] in LARGE]
    for part in judged:
        slack = 3 * part["error"]
        assert COVERED[0] - slack < part["covered"] < COVERED[1] + slack, part
        if part["n"] > 2000:
            assert PULL_WIDTH[0] < part["pull_width"] < PULL_WIDTH[1], part
    cells = sum(part["cells"] for part in judged)
    assert cells > 20
    assert sum(part["outside"] for part in judged) <= 0.15 * cells


def combined_values_are_no_worse_than_the_best_survey(report):
    for part in only(report["gain"], stars="all"):
        assert part["combined"] < 1.05 * part["single"], part
    for part in only(report["gain"], kind="best", parameter="logg", stars="all"):
        assert part["combined"] < part["single"], part


def the_domain_flags_who_lies_outside(report):
    for survey in LARGE:
        (part,) = only(report["domain"], survey=survey, stars="all")
        assert part["flagged_inside"] < 0.08, part
        assert part["caught"][0] > 0.75, part
        assert part["caught"][2] > 0.95, part


def small_surveys_are_on_the_scale(report):
    for survey in SMALL:
        parts = only(report["zero_points"], survey=survey, stars="all")
        assert {part["fitted"] for part in parts} == {"network"}
        for part in parts:
            assert abs(part["sigmas"]) < 3.5, part


def test_a_sky_without_biases_of_30_000_stars_is_left_alone(database, tmp_path):
    """Corrections stay below a fifth of the survey's noise, and no slope is far from zero in units of its error.

    GSP-Spec's noise is skewed, so that what a fit takes for its middle differs from its median.
    """
    report = version_of(database, tmp_path, stars=30_000, seed=7, bias=False)
    assert report["null_sky"]
    noise = {(p["survey"], p["parameter"]): p["scatter_before"] for p in only(report["bias"], stars="all")}
    judged = only(report["corrections"], stars="all")
    assert {part["survey"] for part in judged} == {survey for survey, _ in noise} - {"apogee_dr17"}
    for part in judged:
        width = noise[part["survey"], part["parameter"]]
        assert abs(part["median"]) < 0.15 * width + 2 * part["median_error"], part
        if part["cells"]:
            assert abs(part["worst"]) < 0.2 * width, part
        if part["survey"] != "gaia_gspspec":
            assert abs(part["median"]) < 4.5 * part["median_error"], part
        for line in part["slopes"].values():
            assert abs(line["slope"]) < 5 * line["error"], part
    slopes = [abs(line["slope"]) > 3 * line["error"] for part in judged for line in part["slopes"].values()]
    assert sum(slopes) <= 0.05 * len(slopes)  # 3 of 63
