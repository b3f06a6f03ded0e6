"""Errors of surveys come out of their differences alone."""

import numpy as np
import pytest

from app.science.uncertainty.three_cornered_hat import correlated_hat, three_cornered_hat, without_trend


def surveys(sigma, *, stars=3000, seed=1, correlation=None):
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(np.eye(len(sigma)) if correlation is None else correlation)
    errors = rng.normal(size=(stars, len(sigma))) @ root.T * np.array(sigma)
    return rng.normal(5000, 600, (stars, 1)) + errors


def hat(values, seed=2):
    return three_cornered_hat(values, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("sigma", [(30.0, 90.0, 150.0), (50.0, 50.0, 50.0), (20.0, 60.0, 100.0, 140.0, 75.0)])
def test_every_survey_gets_its_error_back(sigma):
    found = hat(surveys(sigma))
    assert (np.abs(found.variance - np.square(sigma)) < 3.5 * found.variance_error).all()


def test_stated_errors_hold():
    pulls = [(one.variance - np.square([40.0, 80.0, 120.0])) / one.variance_error for one in
             (hat(surveys((40.0, 80.0, 120.0), stars=400, seed=20 + i)) for i in range(40))]  # fmt: skip
    assert (np.abs(np.mean(pulls, axis=0)) < 0.6).all()
    assert (np.abs(np.std(pulls, axis=0) - 1) < 0.4).all()


def test_a_negative_variance_is_reported_and_has_no_sigma():
    correlation = np.array([[1, 0.6, 0.6], [0.6, 1, 0], [0.6, 0, 1]])
    found = hat(surveys((1.0, 5.0, 5.0), correlation=correlation))
    assert found.variance[0] < -3 * found.variance_error[0]
    assert np.isnan(found.sigma).tolist() == [True, False, False]
    assert np.isnan(found.sigma_error[0])


def test_bad_stars_hardly_count():
    values = surveys((30.0, 90.0, 150.0))
    values[::40, 1] += 3000
    found = hat(values)
    assert found.sigma[1] == pytest.approx(90, rel=0.2)  # their plain standard deviation is 480


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="2 surveys, 3 are needed"):
        hat(np.zeros((50, 2)))
    with pytest.raises(ValueError, match="5 stars that all 3 surveys saw, 10 are needed"):
        hat(np.where(np.arange(50)[:, None] < 5, np.zeros((50, 3)), np.nan))


def test_systematic_trends_are_not_counted_as_noise():
    sigma = (30.0, 90.0, 150.0)
    values = surveys(sigma)
    truth = values.mean(axis=1)
    x = (truth - 5000) / 600
    values[:, 1] += 200 + 60 * x - 25 * x**2
    raw, found = hat(values), hat(without_trend(values, truth[:, None]))
    assert raw.sigma[1] > 105
    assert (np.abs(found.variance - np.square(sigma)) < 3.5 * found.variance_error).all()


def test_the_correlated_hat_of_independent_errors_is_the_plain_one():
    values = surveys((30.0, 90.0, 150.0))
    found = correlated_hat(values)
    np.testing.assert_allclose(np.diag(found), hat(values).variance, atol=0.02 * found.max())
    assert np.abs(found - np.diag(np.diag(found))).max() < 0.01 * found.max()


def test_the_correlated_hat_stays_positive_where_the_plain_one_does_not():
    correlation = np.array([[1, 0.6, 0.6], [0.6, 1, 0], [0.6, 0, 1]])
    found = correlated_hat(surveys((1.0, 5.0, 5.0), correlation=correlation))
    assert np.linalg.eigvalsh(found)[0] > 0
    differences = found[0, 0] + found[1, 1] - 2 * found[0, 1], found[1, 1] + found[2, 2] - 2 * found[1, 2]
    truth = 1 + 25 - 2 * 0.6 * 5, 25 + 25
    np.testing.assert_allclose(differences, truth, rtol=0.15)
