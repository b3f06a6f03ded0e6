"""Low-order models recover polynomials, ignore outliers and shrink slopes that few stars suggest."""

import numpy as np
import pytest

from app.science.calibration.features import feature_space
from app.science.calibration.low_order import design, fit_low_order

NAMES = ("teff", "logg", "feh")


def stars(n, seed=1):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(4000, 6000, n), rng.uniform(1, 4.5, n), rng.uniform(-2, 0.4, n)]), rng


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_polynomial_is_recovered_despite_outliers(degree):
    features, rng = stars(3000)
    space = feature_space(features, NAMES)
    truth = rng.normal(size=design(space.standardize(features), degree).shape[1])
    target = design(space.standardize(features), degree) @ truth + rng.normal(0, 0.1, 3000)
    target[:150] += 20.0
    model = fit_low_order(features, target, np.ones(3000), space, degree=degree, shrinkage=0.0)
    assert np.allclose(model.coefficients, truth, atol=0.02)


def test_shrinkage_pulls_slopes_but_not_the_constant():
    features, rng = stars(12)
    space = feature_space(features, NAMES)
    target = 5.0 + rng.normal(0, 1.0, 12)
    free = fit_low_order(features, target, np.ones(12), space, degree=1, shrinkage=0.0)
    shrunk = fit_low_order(features, target, np.ones(12), space, degree=1, shrinkage=50.0)
    assert np.abs(shrunk.coefficients[1:]).max() < 0.4 * np.abs(free.coefficients[1:]).max()
    assert shrunk.coefficients[0] == pytest.approx(5.0, abs=1.0)


def test_outside_the_training_range_the_model_stays_at_its_edge():
    features, _ = stars(500)
    space = feature_space(features, NAMES)
    model = fit_low_order(features, features[:, 0] / 1000, np.ones(500), space, degree=1)
    edge = np.array([[space.highest[0], 2.0, -0.5]])
    beyond = np.array([[20_000.0, 2.0, -0.5]])
    assert model.predict(beyond) == pytest.approx(model.predict(edge))
