"""The exact combination equals a numerical minimization, holds its coverage, and survives every odd input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

from app.science.combination.split_normal import combine

numbers = st.floats(-10, 10)
errors = st.floats(0.01, 5)


def likelihood(value, minus, plus):
    return lambda x: float(np.sum(0.5 * ((x - value) / np.where(x >= value, plus, minus)) ** 2))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(numbers, errors, errors), min_size=1, max_size=7))
def test_it_is_the_minimum_and_the_rise_by_one_half(measurements):
    value, minus, plus = (np.array(column) for column in zip(*measurements, strict=True))
    result = combine(value, minus, plus, np.array([0, len(value)]))
    height = likelihood(value, minus, plus)
    best = minimize_scalar(height, bounds=(value.min() - 1, value.max() + 1), method="bounded", options={"xatol": 1e-9})
    assert height(result.value[0]) <= best.fun + 1e-9
    target = result.chi2[0] / 2 + 0.5
    upper = brentq(lambda x: height(x) - target, result.value[0], result.value[0] + 40)
    lower = brentq(lambda x: height(x) - target, result.value[0] - 40, result.value[0])
    assert result.plus[0] == pytest.approx(upper - result.value[0], abs=1e-6, rel=1e-6)
    assert result.minus[0] == pytest.approx(result.value[0] - lower, abs=1e-6, rel=1e-6)
    assert result.weight.sum() == pytest.approx(1.0)


def test_symmetric_errors_give_the_weighted_mean():
    value, error = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.5, 2.0])
    weight = 1 / error**2
    result = combine(value, error, error, np.array([0, 3]))
    assert result.value[0] == pytest.approx(np.average(value, weights=weight))
    assert result.plus[0] == pytest.approx(1 / np.sqrt(weight.sum()))
    assert np.allclose(result.weight, weight / weight.sum())


@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_interval_holds_68_percent_of_truths(n):
    rng = np.random.default_rng(n)
    groups = 20_000
    error = rng.uniform(0.3, 2.0, groups * n)
    value = error * rng.normal(size=groups * n)
    result = combine(value, error, error, np.arange(groups + 1) * n)
    inside = (result.value - result.minus <= 0) & (result.value + result.plus >= 0)
    assert inside.mean() == pytest.approx(0.6827, abs=0.01)
    if n > 1:
        assert np.mean(result.p_value < 0.1) == pytest.approx(0.1, abs=0.01)


def test_unusable_measurements_and_empty_groups_are_passed_over():
    value = np.array([np.nan, 5.0, 1.0, 2.0, 3.0])
    minus = np.array([1.0, 1.0, 0.0, np.nan, np.inf])
    result = combine(value, minus, np.ones(5), np.array([0, 2, 5, 5]))
    assert result.n.tolist() == [1, 0, 0]
    assert result.value[0] == 5.0
    assert np.isnan(result.value[1:]).all()
    assert np.isnan(result.p_value).all()
    assert result.weight.tolist() == [0, 1, 0, 0, 0]


def test_order_within_a_group_does_not_matter():
    rng = np.random.default_rng(1)
    value, minus, plus = rng.normal(size=6), rng.uniform(0.2, 2, 6), rng.uniform(0.2, 2, 6)
    order = rng.permutation(6)
    one = combine(value, minus, plus, np.array([0, 6]))
    other = combine(value[order], minus[order], plus[order], np.array([0, 6]))
    assert one.value[0] == pytest.approx(other.value[0], abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(numbers, st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=5))
def test_errors_that_differ_by_many_orders_of_magnitude_lose_nothing(measurements):
    value, minus, plus = (np.array(column) for column in zip(*measurements, strict=True))
    minus, plus = 10.0**minus, 10.0**plus
    result = combine(value, minus, plus, np.array([0, len(value)]))
    height = likelihood(value, minus, plus)
    assert value.min() <= result.value[0] <= value.max()
    nearby = [height(knot) for knot in value]
    assert height(result.value[0]) <= min(nearby) * (1 + 1e-9) + 1e-9
    assert result.minus[0] > 0
    assert result.plus[0] > 0
    assert np.isfinite([result.minus[0], result.plus[0], result.chi2[0]]).all()


def test_a_group_of_odd_inputs_beside_a_good_one_spoils_nothing():
    value = np.array([np.inf, -np.inf, np.nan, 7.0, 7.0, 7.0])
    minus = np.array([1.0, 1.0, 1.0, -1.0, 1e-300, 2.0])
    result = combine(value, minus, np.array([1.0, 1.0, 1.0, 1.0, 1.0, 3.0]), np.array([0, 6]))
    assert (result.n[0], result.value[0], result.minus[0], result.plus[0]) == (1, 7.0, 2.0, 3.0)
