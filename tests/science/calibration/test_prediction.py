"""What a survey would report of a star: the truth comes back, intervals hold, and the inversion leads back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.science.calibration.conversion import convert
from app.science.calibration.fitting import fit_survey, reference_model
from app.science.calibration.frame import Frame
from app.science.calibration.plan import parse_plan, plan_mapping
from app.science.calibration.prediction import predict
from app.science.calibration.settings import FitSettings
from app.science.calibration.survey_model import Calibrated
from tests.support.links import NOISE, bias_of, giants, invented_links

NO_IDENTITY = (False, False, False)
OWN_ERROR = np.array([25.0, 0.04, 0.02])
SETTINGS = FitSettings(pooled=5000, fewest=5)


@pytest.fixture(scope="module")
def model():
    return fit_survey(invented_links(1400), NO_IDENTITY, SETTINGS, own_error=np.full(3, np.nan)).model


@pytest.fixture(scope="module")
def other():
    """A survey that is 150 K, 0.3 and 0.2 above the first."""
    links = invented_links(1400, seed=5)
    shifted = replace(links, reported=links.reported + np.array([150.0, 0.3, 0.2]))
    return fit_survey(shifted, NO_IDENTITY, SETTINGS, own_error=np.full(3, np.nan)).model


def known(value, error=0.0):
    n = len(value)
    half = np.broadcast_to(np.asarray(error, dtype=float), value.shape).copy()
    return Calibrated(value, half, half, np.full((n, 3), np.nan), np.ones(n, bool), np.ones(n, bool))


def frame(values, error=None):
    n = len(values)
    errors = np.full((n, 3), np.nan) if error is None else np.tile(error, (n, 1))
    everyone = np.arange(n)
    return Frame(
        everyone, 0 * everyone, values, errors, errors, np.isfinite(values), np.full(n, np.nan), np.full((n, 2), np.nan)
    )


@pytest.fixture(scope="module")
def plan():
    data = {
        "name": "x",
        "seed": 3,
        "reference": {name: ["a"] for name in ("teff", "logg", "feh")},
        "features": [],
        "domain": {"outside": "refuse", "widen_factor": 2.0},
        "fit": {"direction": "forward", "pooled": 5000, "few": 60, "fewest": 5, "shrinkage": 3.0},
    }
    found = parse_plan(data, file="test")
    assert parse_plan(plan_mapping(found), file="test") == found
    return found


def inside(found, x):
    return ((found.value - found.minus <= x) & (x <= found.value + found.plus))[found.in_domain].mean(axis=0)


def test_a_report_is_predicted_with_an_interval_that_holds_it(model):
    truth = giants(4000, seed=77)
    found = predict(model, known(truth), np.zeros((4000, 0)))
    assert found.in_domain.mean() > 0.95
    off = (found.value - truth - bias_of(truth))[found.in_domain]
    assert (np.abs(np.median(off, axis=0)) < [10.0, 0.02, 0.01]).all()
    reported = truth + bias_of(truth) + NOISE * np.random.default_rng(4).normal(size=truth.shape)
    assert inside(found, reported) == pytest.approx(0.68, abs=0.04)


def test_the_stars_own_errors_widen_the_interval_as_far_as_they_must(model):
    truth, error = giants(4000, seed=78), np.array([120.0, 0.2, 0.1])
    rng = np.random.default_rng(5)
    guessed = truth + error * rng.normal(size=truth.shape)
    found = predict(model, known(guessed, error), np.zeros((4000, 0)))
    reported = truth + bias_of(truth) + NOISE * rng.normal(size=truth.shape)
    assert inside(found, reported) == pytest.approx(0.68, abs=0.05)
    exact = predict(model, known(guessed), np.zeros((4000, 0)))
    assert inside(exact, reported)[0] < 0.5
    assert (exact.value == found.value).all()


def test_what_is_predicted_leads_back_to_the_star(model):
    truth = giants(500, seed=79)
    there = predict(model, known(truth), np.zeros((500, 0)))
    back = model.calibrate(there.value, np.zeros((500, 0)), there.minus, there.plus)
    settled = back.converged & there.in_domain
    assert settled.mean() > 0.9
    assert (np.abs(back.value - truth)[settled].max(axis=0) < [0.5, 1e-3, 1e-3]).all()


def test_an_error_in_one_direction_goes_where_the_report_goes(model):
    truth = giants(50, seed=80)
    lopsided = replace(known(truth, [0.0, 0.0, 0.0]), plus=np.full((50, 3), [300.0, 0.0, 0.0]))
    exact, found = (predict(model, stars, np.zeros((50, 0))) for stars in (known(truth), lopsided))
    assert (found.plus[:, 0] > exact.plus[:, 0] + 100).all()
    assert found.minus[:, 0] == pytest.approx(exact.minus[:, 0], rel=0.02)


def test_between_two_surveys_the_errors_of_both_ways_count(model, other, plan):
    truth, rng = giants(3000, seed=81), np.random.default_rng(6)
    reported = truth + bias_of(truth) + NOISE * rng.normal(size=truth.shape)
    found = convert(frame(reported), model, other, plan)
    theirs = truth + bias_of(truth) + [150.0, 0.3, 0.2] + NOISE * rng.normal(size=truth.shape)
    assert (np.abs(np.median((found.value - theirs)[found.in_domain], axis=0)) < [10.0, 0.03, 0.015]).all()
    assert inside(found, theirs) == pytest.approx(0.68, abs=0.05)


def test_the_reference_reports_the_star_with_its_own_error(plan):
    reference, truth = reference_model(OWN_ERROR), giants(100, seed=82)
    found = convert(frame(truth, error=3 * OWN_ERROR), None, reference, plan)
    assert (found.value == truth).all()
    assert found.minus == pytest.approx(np.tile(np.sqrt(10) * OWN_ERROR, (100, 1)))
    same = convert(frame(truth), reference, None, plan)
    assert (same.value == truth).all()
    assert (same.plus == OWN_ERROR).all()


def test_a_star_without_a_parameter_has_no_prediction_and_far_ones_are_outside(model):
    truth = giants(3, seed=83)
    truth[0, 1] = np.nan
    truth[1] = [9000.0, 4.5, 0.5]
    found = predict(model, known(truth), np.zeros((3, 0)))
    assert np.isnan(found.value[0]).all()
    assert np.isfinite(found.value[1:]).all()
    assert found.in_domain.tolist() == [False, False, True]


def test_a_direct_model_predicts_no_report(model):
    with pytest.raises(ValueError, match="not what is reported"):
        predict(replace(model, direction="direct"), known(giants(3, seed=1)), np.zeros((3, 0)))
