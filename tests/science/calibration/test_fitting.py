"""A fitted survey gives back the truth, whatever the population, with intervals that hold it."""

import numpy as np
import pytest

from app.science.calibration.bias_model import Kind
from app.science.calibration.fitting import fit_survey
from app.science.calibration.settings import FitSettings
from tests.support.links import NOISE, bias_of, giants, invented_links

NOTHING_QUOTED = np.full(3, np.nan)
ALL = (False, False, False)


def observe(truth, *, seed):
    rng = np.random.default_rng(seed)
    return truth + bias_of(truth) + NOISE * rng.normal(size=truth.shape)


def calibrate(model, reported):
    nothing = np.full_like(reported, np.nan)
    return model.calibrate(reported, np.zeros((len(reported), 0)), nothing, nothing)


@pytest.fixture(scope="module")
def forward():
    return fit_survey(invented_links(6000), ALL, FitSettings(), own_error=NOTHING_QUOTED)


@pytest.fixture(scope="module")
def direct():
    return fit_survey(invented_links(6000), ALL, FitSettings(direction="direct"), own_error=NOTHING_QUOTED)


def slope_with_truth(model, truth, reported):
    residual = calibrate(model, reported).value[:, 2] - truth[:, 2]
    return np.polyfit(truth[:, 2], residual, 1)[0]


def test_forward_is_unbiased_at_every_truth_where_direct_shrinks(forward, direct):
    truth = giants(20_000, seed=50)
    reported = observe(truth, seed=51)
    assert abs(slope_with_truth(forward.model, truth, reported)) < 0.015
    assert slope_with_truth(direct.model, truth, reported) < -0.025


def test_forward_recovers_a_population_unlike_the_training_one(forward, direct):
    truth = giants(20_000, seed=60, feh=-0.9)
    reported = observe(truth, seed=61)
    shifted = [np.median(calibrate(fit.model, reported).value - truth, axis=0) for fit in (forward, direct)]
    assert (np.abs(shifted[0]) < [5.0, 0.015, 0.01]).all()
    assert abs(shifted[1][2]) > 1.5 * abs(shifted[0][2])


def test_intervals_hold_68_percent_of_truths(forward):
    truth = giants(20_000, seed=70)
    result = calibrate(forward.model, observe(truth, seed=71))
    inside = (truth >= result.value - result.minus) & (truth <= result.value + result.plus)
    assert inside.mean(axis=0) == pytest.approx([0.68] * 3, abs=0.03)


def test_a_survey_without_bias_gets_no_correction():
    links = invented_links(3000, bias=False)
    model = fit_survey(links, ALL, FitSettings(), own_error=NOTHING_QUOTED).model
    truth = giants(5000, seed=80)
    corrections = calibrate(model, truth).value - truth
    assert (np.abs(np.median(corrections, axis=0)) < [5.0, 0.01, 0.006]).all()
    assert (np.abs(corrections).mean(axis=0) < [12.0, 0.025, 0.015]).all()


def test_test_stars_change_nothing():
    links = invented_links(800)
    spoiled = links.where(links.split != 2)
    one = fit_survey(links, ALL, FitSettings(), own_error=NOTHING_QUOTED).model
    other = fit_survey(spoiled, ALL, FitSettings(), own_error=NOTHING_QUOTED).model
    probe = giants(200, seed=3)
    assert np.array_equal(calibrate(one, probe).value, calibrate(other, probe).value)


def test_a_plan_may_pool_the_stars_of_a_large_survey_too():
    fit = fit_survey(invented_links(7000), ALL, FitSettings(pooled=10_000), own_error=NOTHING_QUOTED)
    assert fit.metrics[0]["tails"] == "cross-conformal"
    truth = giants(10_000, seed=70)
    result = calibrate(fit.model, observe(truth, seed=71))
    inside = (truth >= result.value - result.minus) & (truth <= result.value + result.plus)
    assert inside.mean(axis=0) == pytest.approx([0.68] * 3, abs=0.03)


def test_few_links_give_a_simple_model_and_wide_intervals():
    few = fit_survey(invented_links(14, seed=9), ALL, FitSettings(), own_error=NOTHING_QUOTED)
    assert {model.kind for model in few.model.models} == {Kind.CONSTANT}
    assert few.metrics[0]["tails"] == "Student's t"
    truth = giants(4000, seed=10)
    result = calibrate(few.model, observe(truth, seed=11))
    assert (np.median(result.plus, axis=0) > 0.6 * NOISE).all()


def test_fewer_links_than_the_plan_asks_for_are_refused_with_the_number():
    with pytest.raises(ValueError, match="4 stars in common with the reference scale, 5 are needed"):
        fit_survey(invented_links(5), ALL, FitSettings(), own_error=NOTHING_QUOTED)


def test_reference_parameters_stay_as_they_are():
    links = invented_links(700)
    fit = fit_survey(links, (False, True, True), FitSettings(), own_error=np.array([50.0, 0.1, 0.05]))
    result = calibrate(fit.model, links.reported)
    assert np.allclose(result.value[:, 1:], links.reported[:, 1:], atol=1e-4)
    assert np.allclose(result.plus[:, 1:], [0.1, 0.05], rtol=1e-6)
    assert np.abs(np.median(result.value[:, 0] - links.reference[:, 0])) < 6


def test_the_same_links_give_the_same_numbers():
    probe = giants(100, seed=3)
    first, second = (
        calibrate(fit_survey(invented_links(700), ALL, FitSettings(), own_error=NOTHING_QUOTED).model, probe).value
        for _ in range(2)
    )
    assert np.array_equal(first, second)
