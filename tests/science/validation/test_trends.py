"""Trends: a known slope comes back with honest errors, and no bias gives exactly the slope that is foretold."""

import numpy as np
import pytest

from app.science.validation.lines import robust_line
from app.science.validation.trends import binned, pair_trends
from tests.support.two_surveys import survey_of, truth_of

ERROR = np.array([80.0, 0.2, 0.15])


def found(trends, parameter, against, abscissa):
    return next(t for t in trends if (t.parameter, t.against, t.abscissa) == (parameter, against, abscissa))


def test_a_line_survives_outliers_and_its_error_is_the_spread_of_repetitions():
    slopes, errors = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, 4, 300)
        y = 1.5 - 0.3 * x + 0.1 * (0.5 + x) * rng.normal(size=300)
        y[:9] += 5
        line = robust_line(x, y)
        slopes.append(line.slope)
        errors.append(line.error)
    assert np.mean(slopes) == pytest.approx(-0.3, abs=4 * np.std(slopes) / np.sqrt(120) + 0.02)
    assert np.mean(errors) == pytest.approx(np.std(slopes), rel=0.2)


def test_a_line_through_too_little_is_not_known():
    assert np.isnan(robust_line(np.array([1.0, 2.0]), np.array([1.0, 2.0])).slope)
    assert np.isnan(robust_line(np.ones(9), np.arange(9.0)).slope)


@pytest.mark.parametrize("p", [0, 1, 2])
def test_no_bias_gives_the_slope_that_is_foretold(p):
    """Against a noisy value no bias has a slope; against the weighted mean and a third survey it has none."""
    truth = truth_of(6000)
    mine, theirs = survey_of(truth, ERROR, seed=2), survey_of(truth, 0.7 * ERROR, seed=3)
    trends = pair_trends(mine, theirs, survey_of(truth, ERROR, seed=4))
    name = ("teff", "logg", "feh")[p]
    other = found(trends, name, name, "other")
    assert other.null_slope < -5 * other.after.error
    for abscissa in ("other", "mean", "third"):
        trend = found(trends, name, name, abscissa)
        assert abs(trend.after.slope - trend.null_slope) < 3.5 * trend.after.error
    assert found(trends, name, name, "mean").null_slope == pytest.approx(0.0, abs=1e-9)


def test_a_trend_before_is_found_and_gone_after():
    truth = truth_of(3000)
    snr = np.geomspace(20, 200, 3000)
    bias = np.column_stack([0 * snr, 0.15 * (truth[:, 1] - 2.6), -0.1 * np.log10(snr)])
    mine = survey_of(truth, ERROR, seed=2, bias=bias, snr=snr)
    trends = pair_trends(mine, survey_of(truth, 0.3 * ERROR, seed=3))
    gravity = found(trends, "logg", "logg", "mean")
    assert gravity.before.slope == pytest.approx(0.15, abs=4 * gravity.before.error + 0.005)
    assert abs(gravity.after.slope) < 3.5 * gravity.after.error
    noise = found(trends, "feh", "log_snr", "own")
    assert noise.before.slope == pytest.approx(-0.1, abs=4 * noise.before.error)
    assert abs(noise.after.slope) < 3.5 * noise.after.error


def test_slopes_with_teff_are_per_1000_k():
    truth = truth_of(1000)
    bias = np.column_stack([0 * truth[:, 0], 0 * truth[:, 0], 0.04 * (truth[:, 0] - 4900) / 1000])
    mine = survey_of(truth, 0.01 * ERROR, seed=2, bias=bias)
    trend = found(pair_trends(mine, survey_of(truth, 0.01 * ERROR, seed=3)), "feh", "teff", "other")
    assert trend.before.slope == pytest.approx(0.04, abs=0.002)


def test_bins_hold_equal_numbers_and_know_their_errors():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, 1000)
    bins = binned(x, 0.3 + 0.1 * rng.normal(size=1000), 0.1 * rng.normal(size=1000))
    assert bins.n == [100] * 10
    assert np.all(np.diff(bins.centre) > 0)
    assert np.abs((np.array(bins.before) - 0.3) / bins.before_error).max() < 4
    assert np.mean(bins.after_error) == pytest.approx(0.01253, rel=0.15)


def test_stars_outside_a_domain_do_not_enter_and_few_stars_say_nothing():
    truth = truth_of(200)
    mine, theirs = survey_of(truth, ERROR, seed=2, in_domain=False), survey_of(truth, ERROR, seed=3)
    assert pair_trends(mine, theirs) == []
    assert pair_trends(theirs.at(np.arange(15)), theirs) == []
