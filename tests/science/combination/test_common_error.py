"""Shared errors: they are added once, weights stay best, one measurement keeps its error, intervals hold 68 %."""

import numpy as np
import pytest

from app.science.combination.common_error import SharedErrors, combine_shared, take_apart
from app.science.combination.split_normal import combine


def nothing(surveys):
    return SharedErrors.none(surveys).of(0)


def simulate(covariance, own, *, stars, spectra=1, seed=1, together=None):
    """Return values (m,) of stars at 0, zero points drawn anew for each star so that coverage can be counted."""
    rng = np.random.default_rng(seed)
    surveys = len(own)
    zero_points = rng.multivariate_normal(np.zeros(surveys), covariance, size=stars)
    survey = np.tile(np.repeat(np.arange(surveys), spectra), stars)
    star = np.repeat(np.arange(stars), surveys * spectra)
    value = zero_points[star, survey] + own[survey] * rng.normal(size=len(star))
    if together is not None:
        value += (together * rng.normal(size=(stars, surveys)))[star, survey]
    starts = np.arange(stars + 1) * surveys * spectra
    return value, survey, starts


def inside(result):
    return float(np.mean((result.value - result.minus <= 0) & (result.value + result.plus >= 0)))


@pytest.mark.parametrize(("correlation", "ignored"), [(0.3, 0.571), (0.6, 0.500)])
def test_coverage_of_three_surveys_on_one_reference_is_68_percent(correlation, ignored):
    covariance = np.full((3, 3), correlation)
    value, survey, starts = simulate(covariance, np.full(3, np.sqrt(1 - correlation)), stars=20_000)
    total = np.ones(len(value))
    naive = combine(value, total, total, starts)
    assert inside(naive) == pytest.approx(ignored, abs=0.03)
    assert naive.chi2.mean() < 1.9 * (1 - correlation) + 0.1
    honest = combine_shared(value, total, total, survey, starts, (covariance, np.zeros(3), np.zeros(3)))
    assert inside(honest) == pytest.approx(0.6827, abs=0.01)
    assert honest.chi2.mean() == pytest.approx(2.0, abs=0.05)
    assert np.mean(honest.p_value < 0.1) == pytest.approx(0.1, abs=0.01)


def test_unequal_zero_points_and_repeats_still_hold_68_percent():
    factor = np.array([[0.3, 0.0], [0.5, 0.2], [0.2, 0.9]])
    covariance, own = factor @ factor.T, np.array([0.5, 1.0, 0.7])
    value, survey, starts = simulate(covariance, own, stars=20_000, spectra=3)
    total = np.sqrt(own**2 + np.diag(covariance))[survey]
    result = combine_shared(value, total, total, survey, starts, (covariance, np.zeros(3), np.zeros(3)))
    assert inside(result) == pytest.approx(0.6827, abs=0.01)
    assert np.std(result.value / result.plus) == pytest.approx(1.0, abs=0.02)


def test_weights_are_those_of_generalized_least_squares():
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 0.04, 0.0], [0.0, 0.0, 4.0]])
    own = np.array([1.0, 0.5, 0.1])
    full = covariance + np.diag(own**2)
    weight = np.linalg.solve(full, np.ones(3))
    total = np.sqrt(np.diag(full))
    result = combine_shared(
        np.array([1.0, 2.0, 7.0]),
        total,
        total,
        np.arange(3),
        np.array([0, 3]),
        (covariance, np.zeros(3), np.zeros(3)),
    )
    assert np.allclose(result.weight, weight / weight.sum())
    assert result.plus[0] == pytest.approx(1 / np.sqrt(weight.sum()))


def test_one_measurement_keeps_its_error_whatever_the_zero_point():
    minus, plus = np.array([3.0, 2.0]), np.array([4.0, 1.0])
    shared = (np.array([[4.0, 1.0], [1.0, 100.0]]), np.zeros(2), np.full(2, 0.5))
    result = combine_shared(np.zeros(2), minus, plus, np.array([0, 1]), np.array([0, 1, 2]), shared)
    assert np.allclose(result.minus, minus)
    assert np.allclose(result.plus, plus)


def test_without_shared_errors_it_is_the_plain_combination():
    rng = np.random.default_rng(5)
    value, minus, plus = rng.normal(size=60), rng.uniform(0.3, 2, 60), rng.uniform(0.3, 2, 60)
    survey, starts = np.tile(np.arange(3), 20), np.arange(21) * 3
    ours, plain = combine_shared(value, minus, plus, survey, starts, nothing(3)), combine(value, minus, plus, starts)
    for name in ("value", "minus", "plus", "chi2", "p_value", "weight"):
        assert np.allclose(getattr(ours, name), getattr(plain, name))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_ten_repeats_count_as_many_as_they_are_worth(correlation):
    own, together = np.array([np.sqrt(1 - correlation)]), np.sqrt(correlation)
    value, survey, starts = simulate(np.zeros((1, 1)), own, stars=10_000, spectra=10, together=together)
    total = np.ones(len(value))
    result = combine_shared(
        value, total, total, survey, starts, (np.zeros((1, 1)), np.zeros(1), np.array([correlation]))
    )
    effective = 10 / (1 + 9 * correlation)
    assert result.plus[0] == pytest.approx(1 / np.sqrt(effective))
    assert inside(result) == pytest.approx(0.6827, abs=0.014)
    assert result.chi2.mean() == pytest.approx(9.0, abs=0.15)


def test_a_poor_spectrum_more_does_not_make_a_star_worse():
    shared = (np.zeros((1, 1)), np.zeros(1), np.array([0.5]))
    errors = np.array([1.0, 1.0, 10.0])
    result = combine_shared(np.zeros(3), errors, errors, np.zeros(3, dtype=int), np.array([0, 1, 3]), shared)
    assert result.plus[1] <= result.plus[0] * 1.001


def test_extra_scatter_widens_and_weighs_down_its_survey():
    value, survey, starts = simulate(np.zeros((2, 2)), np.ones(2), stars=20_000, together=np.array([0.0, 2.0]))
    total = np.ones(len(value))
    result = combine_shared(value, total, total, survey, starts, (np.zeros((2, 2)), np.array([0.0, 4.0]), np.zeros(2)))
    assert result.weight[:2] == pytest.approx([5 / 6, 1 / 6])
    assert inside(result) == pytest.approx(0.6827, abs=0.01)
    assert np.mean(result.p_value < 0.05) == pytest.approx(0.05, abs=0.006)


def test_zero_points_that_err_in_opposite_ways_help():
    covariance = np.array([[0.5, -0.4], [-0.4, 0.5]])
    value, survey, starts = simulate(covariance, np.full(2, np.sqrt(0.5)), stars=20_000)
    total = np.ones(len(value))
    result = combine_shared(value, total, total, survey, starts, (covariance, np.zeros(2), np.zeros(2)))
    assert result.plus[0] < 1 / np.sqrt(2)
    assert inside(result) == pytest.approx(0.6827, abs=0.01)


def test_measurements_that_cannot_enter_change_nothing():
    shared = (np.full((2, 2), 0.1), np.full(2, 0.01), np.full(2, 0.2))
    value = np.array([1.0, np.nan, 2.0, 3.0, 9.0])
    error = np.array([1.0, 1.0, 1.0, np.nan, 0.0])
    survey = np.array([0, 0, 1, 1, 0])
    with_them = combine_shared(value, error, error, survey, np.array([0, 5, 5]), shared)
    kept = np.array([0, 2])
    without = combine_shared(value[kept], error[kept], error[kept], survey[kept], np.array([0, 2, 2]), shared)
    for name in ("value", "minus", "plus", "n", "chi2", "p_value"):
        assert np.array_equal(getattr(with_them, name), getattr(without, name), equal_nan=True)
    assert with_them.n.tolist() == [2, 0]
    assert with_them.weight[[1, 3, 4]].tolist() == [0, 0, 0]


def test_the_parts_of_an_error_add_up_to_it():
    rng = np.random.default_rng(7)
    minus, plus = rng.uniform(0.5, 2, 40), rng.uniform(0.5, 2, 40)
    factor = rng.normal(size=(4, 4))
    shared = (factor @ factor.T, np.zeros(4), np.zeros(4))
    parts = take_apart(minus, plus, np.ones(40, dtype=bool), np.arange(40) % 4, np.arange(11) * 4, shared)
    common = np.repeat(parts.common, 4)
    assert np.allclose(parts.minus + parts.shared + common, minus**2)
    assert np.allclose(parts.plus + parts.shared + common, plus**2)
    assert (np.minimum(parts.minus, parts.plus) > 0).all()
    assert (parts.shared >= -1e-12).all()
