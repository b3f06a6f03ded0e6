"""A survey of the network is calibrated as any other: values and intervals hold the truth."""

from dataclasses import replace

import numpy as np
import pytest

from app.science.calibration.bias_model import Kind
from app.science.calibration.network import NetworkSettings, fit_network
from app.science.calibration.network_model import weak_survey_model
from tests.support.networks import NOISE, Weak, weak_sky

OFFSET = (60.0, -0.15, 0.08)


def fitted(stars, *, slope=(0.0, 0.0, 0.0), seed=1, quoted=True):
    surveys = {"a": Weak(OFFSET, np.arange(stars), slope=slope, quoted=quoted)}
    frames, scale, truth = weak_sky(surveys, np.arange(stars), seed=seed)
    network = fit_network(frames, scale, NetworkSettings())
    model = weak_survey_model(network, "a", own_error=np.full(3, np.nan), rng=np.random.default_rng(1))
    return model, surveys["a"], truth


@pytest.mark.parametrize("quoted", [True, False])
def test_intervals_hold_68_percent_of_truths(quoted):
    model, weak, _ = fitted(300, slope=(0.05, 0.1, -0.1), quoted=quoted)
    fresh, _, truth = weak_sky({"a": replace(weak, stars=np.arange(4000))}, np.arange(10), seed=77)
    nothing = np.full((4000, 3), np.nan)
    result = model.calibrate(fresh["a"].reported, np.zeros((4000, 0)), nothing, nothing)
    inside = (truth >= result.value - result.minus) & (truth <= result.value + result.plus)
    assert inside[result.in_domain].mean(axis=0) == pytest.approx([0.68] * 3, abs=0.06)
    assert np.abs(np.median(result.value - truth, axis=0) / model.model_error).max() < 3.5


def test_few_stars_give_constants_and_wide_intervals():
    model, _, _ = fitted(12, seed=5)
    assert {part.kind for part in model.models} == {Kind.CONSTANT}
    centre = model.space.centre[None]
    widths = np.array([np.ptp(part.quantiles(centre)) / 2 for part in model.models])
    assert (widths > 0.5 * NOISE).all()
    assert (model.model_error > 0.6 * NOISE / np.sqrt(12)).all()


def test_the_model_says_what_the_network_says():
    surveys = {"a": Weak(OFFSET, np.arange(200), slope=(0.08, 0.15, -0.2))}
    frames, scale, truth = weak_sky(surveys, np.arange(200), seed=3)
    network = fit_network(frames, scale, NetworkSettings())
    model = weak_survey_model(network, "a", own_error=np.full(3, np.nan), rng=np.random.default_rng(1))
    expected, _ = network.bias("a", truth)
    medians = np.column_stack([part.quantiles(truth)[:, 1] for part in model.models])
    assert medians == pytest.approx(expected, abs=1e-9)
    assert np.linalg.eigvalsh(model.correlation).min() > 0
