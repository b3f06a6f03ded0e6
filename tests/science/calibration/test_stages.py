"""The scale grows stage by stage: the reference is frozen, and weak surveys come in through what stands already."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from app.pipeline.plans import default_plan
from app.science.calibration.fitting import fit_survey
from app.science.calibration.frame import Frame
from app.science.calibration.network_report import zero_point_metrics
from app.science.calibration.scale import ReferenceScale, missing_error
from app.science.calibration.stages import Alignment, Ascent
from tests.support.links import giants


def frame(star, values, error=None, seed=1):
    rng = np.random.default_rng(seed)
    n = len(star)
    noise = np.array([30.0, 0.05, 0.03]) * rng.normal(size=(n, 3))
    errors = np.full((n, 3), np.nan) if error is None else np.tile(error, (n, 1))
    return Frame(
        star=star,
        split=star % 3,
        reported=values + noise,
        minus=errors,
        plus=errors,
        used=np.ones((n, 3), dtype=bool),
        snr=np.full(n, np.nan),
        magnitudes=np.full((n, 2), np.nan),
    )


@pytest.fixture
def alignment():
    truth = giants(900, seed=1)
    star = np.arange(900)
    frames = {
        "apogee_dr17": frame(star[:500], truth[:500], error=[30.0, 0.05, 0.03], seed=2),
        "galah_dr3": frame(star[200:900], truth[200:] + np.array([80, 0, 0]), error=[30.0, 0.05, 0.03], seed=3),
        "lamost_lrs": frame(star[600:900], truth[600:] + np.array([-60, 0.3, 0.1]), seed=4),
    }
    quoted = {name: np.array([30.0, 0.05, 0.03]) for name in frames} | {"lamost_lrs": np.full(3, np.nan)}
    return Alignment.begin(default_plan(), frames, quoted)


def test_before_any_stage_stars_that_only_a_member_saw_are_not_on_the_scale(alignment):
    value, _ = alignment.scale.at(np.array([850]))
    assert np.isnan(value).all()
    assert alignment.links("lamost_lrs").finite().stars == 0


def test_a_survey_without_a_link_to_the_reference_comes_in_through_another(alignment):
    plan = alignment.plan
    ascent = Ascent(replace(alignment, plan=replace(plan, fit=replace(plan.fit, network_below=100))))
    for _, names in islice(ascent.stages(), 2):
        for name in names:
            fit = fit_survey(alignment.links(name), plan.identity(name), plan.fit, own_error=alignment.own_errors[name])
            ascent.models[name] = fitted = fit.model
    reported = giants(400, seed=9)
    nothing = np.full_like(reported, np.nan)
    result = fitted.calibrate(reported + np.array([-60, 0.3, 0.1]), np.zeros((400, 0)), nothing, nothing)
    assert np.abs(np.median(result.value - reported, axis=0)) == pytest.approx([0, 0, 0], abs=20)
    assert np.abs(np.median(result.value - reported, axis=0))[1:] == pytest.approx([0, 0], abs=0.03)


def test_the_reference_never_moves(alignment):
    before, _ = alignment.scale.at(np.arange(200))
    links = alignment.links("galah_dr3")
    model = fit_survey(links, alignment.plan.identity("galah_dr3"), alignment.plan.fit, own_error=np.ones(3)).model
    alignment.add("galah_dr3", model)
    after, _ = alignment.scale.at(np.arange(200))
    assert np.array_equal(before, after)


def test_values_are_weighted_by_their_variance():
    scale = ReferenceScale.of(np.array([3, 7]))
    for value, error in ((1.0, 1.0), (4.0, 0.5)):
        scale.add(np.array([7]), np.full((1, 3), value), np.full((1, 3), error), np.ones((1, 3), dtype=bool))
    value, error = scale.at(np.array([3, 7]))
    assert np.isnan(value[0]).all()
    assert value[1].tolist() == pytest.approx([3.4] * 3)
    assert error[1].tolist() == pytest.approx([1 / np.sqrt(5)] * 3)


def test_an_error_that_nobody_quotes_is_learnt_from_the_differences():
    rng = np.random.default_rng(5)
    difference = rng.normal(0, 0.5, 4000)
    assert missing_error(difference, np.full(4000, 0.3), smallest=0.01) == pytest.approx(0.4, rel=0.05)
    assert missing_error(difference[:5], np.full(5, 0.3), smallest=0.07) == 0.07


def test_without_weak_surveys_zero_points_are_those_of_the_strong_ones(alignment):
    network = alignment.network([])
    metrics = zero_point_metrics(network, alignment.scale_error())
    assert metrics["surveys"] == ["apogee_dr17"]
    assert metrics["teff"] == [[0.0]]
    assert network.refused == {}
