"""Benchmark stars: residuals of exactly the stars in common, one by one and together."""

import numpy as np
import pytest

from app.science.validation.benchmarks import MOST_LISTED, compare_benchmarks
from app.science.validation.seen import Seen


def test_each_star_is_listed_with_its_values_and_errors():
    value = np.array([[5000.0, 4.0, 0.0], [6000.0, 4.4, 0.2], [4500.0, np.nan, -0.5]])
    mine = Seen(np.array([3, 7, 8]), value + 0.5, value, np.full((3, 3), 0.1), np.array([True, False, True]))
    truth = np.array([[4500.0, 2.0, -0.6], [5100.0, 4.1, 0.1]])
    result = compare_benchmarks(
        mine, np.array([8, 3]), ["delta", "alpha"], truth, np.full((2, 3), 0.05), 2, rng=np.random.default_rng(1)
    )
    assert [star.name for star in result.stars] == ["alpha", "delta"]
    assert [star.after - star.truth for star in result.stars] == pytest.approx([-0.1, 0.1])
    assert [star.test for star in result.stars] == [True, True]
    assert (result.before.n, result.before.median, result.after.median) == (2, pytest.approx(0.5), pytest.approx(0))
    logg = compare_benchmarks(
        mine, np.array([8, 3]), ["delta", "alpha"], truth, np.full((2, 3), 0.05), 1, rng=np.random.default_rng(1)
    )
    assert [star.name for star in logg.stars] == ["alpha"]


def test_pulls_know_both_errors():
    rng = np.random.default_rng(3)
    star = np.arange(2000)
    truth = np.full((2000, 3), 1.0) + 0.3 * rng.normal(size=(2000, 3))
    value = np.full((2000, 3), 1.0) + 0.4 * rng.normal(size=(2000, 3))
    mine = Seen(star, value, value, np.full((2000, 3), 0.4), np.ones(2000, bool))
    result = compare_benchmarks(mine, star, ["x"] * 2000, truth, np.full((2000, 3), 0.3), 0, rng=rng)
    assert result.pull_width == pytest.approx(1.0, abs=0.08)
    assert len(result.stars) == MOST_LISTED
