"""A finished scale: what stars inherit of zero points is told from their own errors; both add up to what is stated."""

import numpy as np
import pytest

from app.science.calibration.combined_scale import combined_scale, inherited

ERRORS = np.array([50.0, 0.10, 0.05])


def scale_of(n, *, zero_point=0.5, seed=1):
    """Return star, value, error, shares and covariance of n stars that two surveys share by chance."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 1, (n, 3, 1))
    covariance = np.array([np.diag([0.0, (zero_point * error) ** 2]) for error in ERRORS])
    shares = np.concatenate([first, 1 - first], axis=2)
    return np.arange(n) + 5, rng.normal(size=(n, 3)), np.tile(ERRORS, (n, 1)), shares, covariance


def test_own_and_inherited_variance_add_up_to_the_stated_one():
    star, value, error, shares, covariance = scale_of(100)
    scale, common = combined_scale(star, value, error, shares, ("a", "b"), covariance)
    kept, own = scale.at(star)
    assert kept == pytest.approx(value)
    assert np.square(own) + inherited(shares, covariance) == pytest.approx(np.square(error))
    assert (common.names, common.covariance is covariance) == (("a", "b"), True)


def test_a_star_keeps_a_quarter_of_its_variance_however_uncertain_the_zero_points():
    star, value, error, shares, covariance = scale_of(100, zero_point=100.0)
    _, own = combined_scale(star, value, error, shares, ("a", "b"), covariance)[0].at(star)
    assert own.min() == pytest.approx(0.5 * ERRORS.min())
    assert (own >= 0.5 * error - 1e-12).all()


def test_a_star_without_a_value_is_not_on_the_scale_and_has_no_share_in_its_error():
    star, value, error, shares, covariance = scale_of(3)
    value[1, 2] = np.nan
    scale, common = combined_scale(star, value, error, shares, ("a", "b"), covariance)
    known, _ = scale.at(star)
    assert np.isnan(known).tolist() == [[False] * 3, [False, False, True], [False] * 3]
    assert common.shares[1].sum(axis=1).round(6).tolist() == [1.0, 1.0, 0.0]


def test_no_star_makes_no_scale():
    nothing = np.zeros((0, 3))
    scale, common = combined_scale(np.zeros(0, int), nothing, nothing, np.zeros((0, 3, 0)), (), np.zeros((3, 0, 0)))
    assert len(scale.stars) == len(common.stars) == 0
