"""Bounded pulls: exact, harmless where errors are honest, and worth it where single measurements are wrong."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from app.science.combination.common_error import combine_shared
from app.science.combination.split_normal import combine

FAR = 2.0
STARS = 40_000
ERRORS = np.array([30.0, 85.0, 100.0, 130.0])
numbers = st.floats(-10, 10)
errors = st.floats(0.01, 5)


def likelihood(value, minus, plus, far):
    def height(x):
        pull = np.abs((x - value) / np.where(x >= value, plus, minus))
        return float(np.sum(np.where(pull <= far, 0.5 * pull**2, far * pull - 0.5 * far**2)))

    return height


def sky(seed=3):
    """Return values about a truth of zero, their errors, survey and starts: four surveys, errors that are honest."""
    rng = np.random.default_rng(seed)
    error = np.tile(ERRORS, STARS) * rng.uniform(0.8, 1.25, STARS * 4)
    return rng, error * rng.standard_normal(error.size), error, np.arange(STARS + 1) * 4


def one_sided(rng, size):
    """Return an outlier's shift for 2 % of `size` measurements or stars, none for the others."""
    return np.where(rng.random(size) < 0.02, -150.0 * (1.0 + rng.standard_exponential(size)), 0.0)


def inside(result):
    return float(np.mean((result.value - result.minus <= 0) & (result.value + result.plus >= 0)))


def scatter(result):
    return float(np.std(result.value))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, errors, errors), min_size=1, max_size=7), st.floats(1.0, 4.0))
def test_it_is_the_minimum_and_the_rise_by_one_half(measurements, far):
    value, minus, plus = (np.array(column) for column in zip(*measurements, strict=True))
    result = combine(value, minus, plus, np.array([0, len(value)]), linear_beyond=far)
    height, best = likelihood(value, minus, plus, far), result.value[0]
    lowest = height(best)
    nearby = np.concatenate([value, value - far * minus, value + far * plus, np.linspace(-10, 10, 201)])
    assert lowest <= min(height(x) for x in nearby) + 1e-9 * max(lowest, 1.0)
    upper = brentq(lambda x: height(x) - lowest - 0.5, best, best + 60)
    lower = brentq(lambda x: height(x) - lowest - 0.5, best - 60, best)
    assert result.plus[0] == pytest.approx(upper - best, abs=1e-6, rel=1e-6)
    assert result.minus[0] == pytest.approx(best - lower, abs=1e-6, rel=1e-6)
    assert np.sum(result.weight * value) == pytest.approx(best, abs=1e-6)


@settings(max_examples=150, deadline=None)
@example([(1.0, -13.75, 0.0), (0.125, 0.0, 0.0)])
@given(st.lists(st.tuples(numbers, st.floats(-20, 9), st.floats(-20, 9)), min_size=1, max_size=5))
def test_errors_that_differ_by_many_orders_of_magnitude_lose_nothing(measurements):
    value, minus, plus = (np.array(column) for column in zip(*measurements, strict=True))
    minus, plus = 10.0**minus, 10.0**plus
    result = combine(value, minus, plus, np.array([0, len(value)]), linear_beyond=FAR)
    height, best = likelihood(value, minus, plus, FAR), result.value[0]
    assert value.min() <= best <= value.max()
    rounding = (np.nextafter(best, -np.inf), best, np.nextafter(best, np.inf))
    assert min(height(x) for x in rounding) <= min(height(knot) for knot in value) * (1 + 1e-9) + 1e-9
    assert np.isfinite([result.minus[0], result.plus[0]]).all()
    assert min(result.minus[0], result.plus[0]) >= 0


def test_where_nothing_is_far_nothing_changes():
    _, value, error, starts = sky()
    never, bounded = (combine(value, error, error, starts, linear_beyond=far) for far in (np.inf, FAR))
    for far_enough in (np.inf, 1e6):
        again = combine(value, error, error, starts, linear_beyond=far_enough)
        assert all(np.array_equal(getattr(again, name), getattr(never, name)) for name in ("value", "minus", "weight"))
    same = bounded.value == bounded.plain
    assert same.mean() > 0.7
    assert np.array_equal(bounded.plain, never.value)
    assert np.array_equal(bounded.chi2, never.chi2)
    assert np.array_equal(bounded.value[same], never.value[same])


def test_a_single_measurement_keeps_its_interval():
    result = combine(np.array([5.0]), np.array([2.0]), np.array([3.0]), np.array([0, 1]), linear_beyond=FAR)
    assert (result.value[0], result.minus[0], result.plus[0]) == (5.0, 2.0, 3.0)


def test_two_that_exclude_each_other_leave_their_middle_and_an_interval_over_both():
    one = np.ones(2)
    result = combine(np.array([0.0, 100.0]), one, one, np.array([0, 2]), linear_beyond=FAR)
    assert result.value[0] == pytest.approx(50.0)
    assert result.minus[0] == result.plus[0] == pytest.approx(50.0 - FAR + np.sqrt(2 * 0.5), abs=1e-9)


def test_one_far_measurement_of_three_moves_the_value_by_a_bounded_amount():
    def with_third(third):
        values = np.array([-0.5, 0.5, third])
        return combine(values, np.ones(3), np.ones(3), np.array([0, 3]), linear_beyond=FAR).value[0]

    assert with_third(10.0) == with_third(1000.0) == pytest.approx(FAR / 2)


def test_honest_errors_stay_honest():
    """At a price: up to half a per cent of coverage and of scatter."""
    _, value, error, starts = sky()
    plain, bounded = (combine(value, error, error, starts, linear_beyond=far) for far in (np.inf, FAR))
    assert inside(bounded) == pytest.approx(0.6827, abs=0.008)
    assert scatter(bounded) < 1.005 * scatter(plain)


def test_outliers_of_single_measurements_cost_less():
    rng, value, error, starts = sky()
    value = value + one_sided(rng, value.size)
    plain, bounded = (combine(value, error, error, starts, linear_beyond=far) for far in (np.inf, FAR))
    assert inside(bounded) > inside(plain) + 0.005
    near = np.abs(plain.value) < 100
    assert np.std(bounded.value[near]) < np.std(plain.value[near])


def test_outliers_that_all_surveys_share_stay_what_they_are():
    rng, value, error, starts = sky()
    wrong = one_sided(rng, STARS)
    value = value + np.repeat(wrong, 4)
    bounded = combine(value, error, error, starts, linear_beyond=FAR)
    covered = np.abs(bounded.value) <= np.where(bounded.value < 0, bounded.plus, bounded.minus)
    assert covered[wrong < 0].mean() < 0.01
    assert covered[wrong == 0].mean() == pytest.approx(0.6827, abs=0.008)


def test_tails_of_one_survey_no_longer_narrow_the_interval_of_all():
    rng, value, error, starts = sky()
    third = np.arange(value.size) % 4 == 2
    value[third] = error[third] * rng.standard_t(5, STARS) / 1.1037  # 68 % of it inside the error
    plain, bounded = (combine(value, error, error, starts, linear_beyond=far) for far in (np.inf, FAR))
    assert abs(inside(bounded) - 0.6827) < abs(inside(plain) - 0.6827)
    assert scatter(bounded) < scatter(plain)


def test_errors_in_common_are_still_added_once():
    rng, _, error, starts = sky()
    common = 15.0
    own = np.sqrt(error**2 - common**2) * rng.standard_normal(error.size)
    value = own + np.repeat(common * rng.standard_normal(STARS), 4)
    survey = np.tile(np.arange(4), STARS)
    shared = (np.full((4, 4), common**2), np.zeros(4), np.zeros(4))
    result = combine_shared(value, error, error, survey, starts, shared, linear_beyond=FAR)
    assert inside(result) == pytest.approx(0.6827, abs=0.008)
    assert np.mean(result.p_value < 0.1) == pytest.approx(0.1, abs=0.01)
    plain = combine_shared(value, error, error, survey, starts, shared)
    assert np.array_equal(result.p_value, plain.p_value)
    assert result.minus.min() > common
