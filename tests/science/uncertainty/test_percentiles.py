"""Percentiles become the split normal that has them, and what that does to a stored value is known."""

import numpy as np
import pytest

from app.science.combination.split_normal import combine
from app.science.uncertainty.models import SplitNormal
from app.science.uncertainty.percentiles import LEAST_SHARE, split_normal_of

POINTS = (0.16, 0.5, 0.84)


def test_any_split_normal_is_found_again_from_its_percentiles():
    rng = np.random.default_rng(1)
    share, total = rng.uniform(LEAST_SHARE, 1 - LEAST_SHARE, 20_000), rng.uniform(0.1, 300, 20_000)
    truth = SplitNormal(rng.normal(5000, 500, 20_000), total * share, total * (1 - share))
    low, middle, high = (truth.quantile(p) for p in POINTS)
    found = split_normal_of(middle, middle - low, high - middle)
    assert not found.bounded.any()
    for name in ("mode", "minus", "plus"):
        assert np.abs((getattr(found.model, name) - getattr(truth, name)) / total).max() < 1e-3


def test_percentiles_come_back_out():
    ratio = np.geomspace(1 / 1.46, 1.46, 101)
    model = split_normal_of(np.zeros(101), np.ones(101), ratio).model
    for p, expected in zip(POINTS, (-np.ones(101), np.zeros(101), ratio), strict=True):
        np.testing.assert_allclose(model.quantile(p), expected, atol=1e-6)


def test_halves_too_unequal_keep_their_interval_and_are_flagged():
    found = split_normal_of(np.zeros(3), np.array([1.0, 3.0, 1.0]), np.array([3.0, 1.0, 0.0]))
    assert found.bounded.all()
    np.testing.assert_allclose(found.model.quantile(0.16), [-1.0, -3.0, -1.0], atol=1e-9)
    np.testing.assert_allclose(found.model.quantile(0.84), [3.0, 1.0, 0.0], atol=1e-9)


def test_what_is_missing_stays_missing():
    model = split_normal_of(np.zeros(2), np.array([np.nan, 1.0]), np.ones(2)).model
    assert np.isnan(model.mode).tolist() == [True, False]
    assert np.isnan(model.minus).tolist() == [True, False]


def test_percentiles_of_fifty_realizations_are_too_noisy_to_move_a_value_to_its_mode():
    """Why GSP-Spec's value stays where it was published: a symmetric error, seen 50 times, looks skewed."""
    drawn = np.random.default_rng(2).normal(size=(20_000, 50))
    low, middle, high = np.quantile(drawn, POINTS, axis=1)
    found = split_normal_of(middle, middle - low, high - middle)
    assert 0.2 < found.bounded.mean() < 0.27
    assert found.model.mode.std() > 3 * middle.std()


@pytest.mark.parametrize("measurements", [1, 2, 4])
def test_intervals_around_the_median_cover_when_combined_and_modes_do_worse(measurements):
    """Halves of 1 and 1.3, all the same way: the combination covers 68 % with the median, less with the mode."""
    n = 30_000
    lower, upper = np.ones(n * measurements), np.full(n * measurements, 1.3)
    model = split_normal_of(np.zeros_like(lower), lower, upper).model
    reported = -model.quantile(np.random.default_rng(3).random(len(lower)))
    starts = np.arange(n + 1) * measurements

    def coverage(value, minus, plus):
        found = combine(value, minus, plus, starts)
        return np.mean((found.value - found.minus <= 0) & (found.value + found.plus >= 0))

    plain = coverage(reported, lower, upper)
    assert abs(plain - 0.68) < 0.012
    assert coverage(reported + model.mode, model.minus, model.plus) < plain + 0.005
