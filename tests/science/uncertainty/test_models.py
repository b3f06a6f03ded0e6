"""Error models say what their formulas promise."""

import doctest

import numpy as np
import pytest
from scipy import integrate

from app.science.uncertainty import correlation, models, percentiles, repeats, sampling, scaling, three_cornered_hat
from app.science.uncertainty.models import MultivariateGaussian, SplitNormal


@pytest.mark.parametrize(
    "module",
    [correlation, models, percentiles, repeats, sampling, scaling, three_cornered_hat],
    ids=lambda m: m.__name__,
)
def test_the_examples_of_the_docstrings_run(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def density(x, mode, minus, plus):
    side = np.where(x < mode, minus, plus)
    return np.exp(-0.5 * ((x - mode) / side) ** 2) * 2 / (np.sqrt(2 * np.pi) * (minus + plus))


@pytest.mark.parametrize(("minus", "plus"), [(1.0, 1.0), (0.3, 1.7), (2.0, 0.5)])
def test_a_split_normal_agrees_with_its_density(minus, plus):
    model = SplitNormal(np.array(2.0), np.array(minus), np.array(plus))
    for x in (1.5, 1.9, 2.0, 2.3, 3.0):
        below = integrate.quad(density, -20, 2, (2.0, minus, plus))[0] if x > 2 else 0.0
        expected = below + integrate.quad(density, 2 if x > 2 else -20, x, (2.0, minus, plus))[0]
        assert float(model.cdf(np.array(x))) == pytest.approx(expected, abs=1e-9)
        assert float(model.quantile(expected)) == pytest.approx(x, abs=1e-6)
    moments = [
        integrate.quad(lambda x, k=k: x**k * density(x, 2.0, minus, plus), -20, 24, points=[2])[0] for k in (1, 2)
    ]
    assert float(model.mean) == pytest.approx(moments[0], abs=1e-6)
    assert float(model.variance) == pytest.approx(moments[1] - moments[0] ** 2, abs=1e-6)


def test_percentiles_of_a_split_normal_are_not_mode_and_sigma():
    model = SplitNormal(np.zeros(1), np.ones(1), np.full(1, 2.0))
    np.testing.assert_allclose(model.quantile(np.array([0.16, 0.84])), [-0.706, 2.350], atol=0.001)


def test_a_covariance_and_its_correlations_are_one_model():
    sigma, rho = np.array([[30.0, 0.1, 0.05], [60.0, 0.2, 0.1]]), np.array([0.5, 0.6, 0.3])
    model = MultivariateGaussian.of_pairs(np.zeros((2, 3)), sigma, rho)
    assert model.covariance[0, 0, 1] == pytest.approx(0.5 * 30 * 0.1)
    back = MultivariateGaussian.of_covariance(np.zeros((2, 3)), model.covariance)
    np.testing.assert_allclose(back.sigma, sigma)
    np.testing.assert_allclose(back.correlation, np.broadcast_to(model.correlation, (2, 3, 3)), atol=1e-12)
    one = MultivariateGaussian.of_covariance(np.zeros((2, 3)), model.covariance[0])
    np.testing.assert_allclose(one.sigma, sigma[[0, 0]])


def test_a_covariance_without_variance_is_refused():
    with pytest.raises(ValueError, match="1 rows have no positive variance"):
        MultivariateGaussian.of_covariance(np.zeros((2, 3)), np.stack([np.eye(3), np.diag([1.0, 0.0, 1.0])]))
