"""Clusters of known [Fe/H], trend and disagreement give these back; field and hot stars do no harm."""

import numpy as np
import pytest

from app.science.validation.clusters import agreement, around_centre, judge_cluster
from app.science.validation.seen import Seen

TRUTH = -0.15
SCATTER = 0.05


def members(n, offset=0.0, slope=0.0, stretch=1.0, seed=1, hot=0, field=0):
    """Members seen by a survey: [Fe/H] by truth, an offset and a slope per 1000 K; some are hot, some of the field."""
    rng = np.random.default_rng(seed)
    teff = rng.uniform(4200, 6300, n)
    noise = SCATTER * rng.normal(size=n)
    feh = TRUTH + offset + slope * (teff - 5250) / 1000 + stretch * noise
    teff[:hot], feh[:hot] = 7500, -2.3
    feh[hot : hot + field] = rng.uniform(-1, 0.5, field)
    value = np.column_stack([teff, np.full(n, 3.0), feh])
    raw = value.copy()
    raw[:, 2] = TRUTH + 0.3 + noise
    return Seen(np.arange(n), raw, value, np.full((n, 3), SCATTER), np.arange(n) % 5 == 0)


def judge(surveys, zero_points=None):
    names = list(surveys)
    covariance = np.zeros((len(names), len(names))) if zero_points is None else zero_points
    return judge_cluster(
        "X_1", surveys, literature=(TRUTH, 0.03), zero_points=covariance, compared=names, rng=np.random.default_rng(1)
    )


def test_median_scatter_and_trend():
    result = judge({"a": members(600, slope=0.08)}).surveys[0]
    assert result.after.median == pytest.approx(TRUTH, abs=4 * result.median_error[1])
    assert result.before.median == pytest.approx(TRUTH + 0.3, abs=4 * result.median_error[0])
    assert result.before.scatter == pytest.approx(SCATTER, rel=0.12)
    assert result.along_teff.slope == pytest.approx(0.08, abs=3 * result.along_teff.error)
    assert result.along_teff_before.slope == pytest.approx(0.0, abs=3 * result.along_teff_before.error)
    assert result.test.n == 120


def test_hot_stars_are_counted_out_and_a_tenth_of_field_stars_does_no_harm():
    result = judge({"a": members(400, hot=100, field=30)}).surveys[0]
    assert result.outside == 100
    assert result.after.n == 300
    assert result.after.median == pytest.approx(TRUTH, abs=0.02)
    assert result.after.scatter < 1.4 * SCATTER


def test_a_calibration_that_enlarges_scatter_is_seen():
    result = judge({"a": members(300, stretch=2.5)}).surveys[0]
    assert result.stretch.slope == pytest.approx(2.5, rel=0.02)


def test_surveys_that_agree_and_surveys_that_do_not():
    good = judge({"a": members(300, seed=2), "b": members(300, seed=3), "c": members(300, seed=4)}).after
    assert good.p_value > 0.01
    assert good.outside == []
    bad = judge({"a": members(300, seed=2), "b": members(300, offset=0.08, seed=3)}).after
    assert bad.p_value < 1e-6
    assert bad.spread == pytest.approx(0.08 / np.sqrt(2), rel=0.2)


def test_chi2_of_agreeing_surveys_has_one_degree_of_freedom_less_than_surveys():
    rng = np.random.default_rng(7)
    errors = np.array([0.01, 0.02, 0.04])
    found = [
        agreement(["a", "b", "c"], errors * rng.normal(size=3), errors, errors, np.zeros((3, 3))) for _ in range(800)
    ]
    assert np.mean([one.chi2 for one in found]) == pytest.approx(2.0, abs=0.25)
    assert np.mean([one.p_value < 0.1 for one in found]) == pytest.approx(0.1, abs=0.035)


def test_an_uncertain_zero_point_widens_the_agreement_but_a_common_one_does_not():
    surveys = {"a": members(300, seed=2), "b": members(300, offset=0.08, seed=3)}
    apart = judge(surveys, np.diag([0.0, 0.08**2])).after
    assert apart.p_value > 0.1
    common = judge(surveys, np.full((2, 2), 0.08**2)).after
    assert common.p_value < 1e-6


def test_stages_compare_like_with_like():
    giants, dwarfs = members(200, seed=2), members(200, offset=-0.1, seed=3)
    dwarfs.value[:, 1] = 4.5
    mixed = judge({"a": giants, "b": dwarfs})
    assert mixed.after.p_value < 1e-6
    assert mixed.stages == {}
    again = judge({"a": giants, "b": members(200, seed=5)})
    assert set(again.stages) == {"giants"}
    assert again.stages["giants"][1].p_value > 0.01


def test_too_few_members_are_shown_but_not_compared():
    result = judge({"a": members(50), "b": members(2)})
    assert [survey.after.n for survey in result.surveys] == [50, 2]
    assert result.after is None


def test_the_field_in_a_ring_foretells_the_field_in_the_circle():
    rng = np.random.default_rng(11)
    distance = np.sqrt(rng.uniform(0, 1, 20_000))  # uniform over a disc of 1 degree
    found = around_centre(np.arange(20_000), distance, radius_deg=0.2, ring_deg=(0.5, 1.0))
    assert found.expected_field == pytest.approx(len(found.star), abs=4 * np.sqrt(len(found.star)))
