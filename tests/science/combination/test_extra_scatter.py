"""Known extra scatter comes back from pairs, whatever the outliers; none is invented where there is none."""

from itertools import combinations

import numpy as np
import pytest

from app.science.combination.extra_scatter import excess_of, solve

STATED = np.array([1.0, 2.0, 3.0, 1.5])


def pairs_of(extra, *, stars=4000, seed=1, outliers=0.0, which=None, factor=1.0, offset=0.7):
    """Return the excesses of all pairs (or `which`) of surveys with these true extra scatters, own stars each."""
    rng = np.random.default_rng(seed)
    found = []
    for a, b in which or combinations(range(len(extra)), 2):
        stated = [STATED[s] * rng.uniform(0.5, 2.0, stars) for s in (a, b)]
        true = [np.hypot(factor * error, extra[s]) for s, error in zip((a, b), stated, strict=True)]
        difference = offset + true[0] * rng.normal(size=stars) - true[1] * rng.normal(size=stars)
        difference += np.where(rng.random(stars) < outliers, rng.exponential(40.0, stars), 0.0)
        found.append(excess_of(a, b, difference, stated[0] ** 2, stated[1] ** 2))
    return found


def test_the_error_of_an_excess_is_its_scatter():
    excesses = [pairs_of([1.0, 2.0], stars=400, seed=seed)[0] for seed in range(200)]
    values = np.array([one.variance for one in excesses])
    assert np.mean(values) == pytest.approx(5.0, abs=3 * values.std() / np.sqrt(200) + 0.05)
    assert values.std() == pytest.approx(np.mean([one.error for one in excesses]), rel=0.2)


@pytest.mark.parametrize("outliers", [0.0, 0.02])
def test_the_extra_scatter_of_each_survey_comes_back(outliers):
    truth = np.array([0.0, 1.5, 2.5, 0.0])
    result = solve(pairs_of(truth, outliers=outliers), 4)
    assert np.all(np.abs(result.scatter**2 - truth**2) < 3.5 * result.variance_error + 0.02 * STATED**2 * 10 * outliers)


def test_honest_errors_get_nothing_and_a_factor_of_one():
    result = solve(pairs_of(np.zeros(4)), 4)
    assert np.all(result.scatter**2 < 3 * result.variance_error)
    assert result.factor == pytest.approx(np.ones(4), abs=0.12)


def test_errors_that_are_too_large_are_reported_and_left_alone():
    result = solve(pairs_of(np.zeros(4), factor=0.7), 4)
    assert np.array_equal(result.scatter, np.zeros(4))
    assert result.factor == pytest.approx(np.full(4, 0.7), abs=0.13)


def test_a_pair_alone_blames_the_less_precise_survey():
    result = solve(pairs_of(np.array([1.0, 0.0, 2.0]), which=[(0, 2)]), 3)
    assert result.scatter[2] ** 2 == pytest.approx(5.0, abs=0.8)
    assert result.scatter[0] ** 2 < 0.02 * result.scatter[2] ** 2
    assert result.scatter[1] == 0
    assert np.isnan(result.factor[1])


def test_a_handful_of_stars_says_next_to_nothing():
    scatters = [solve(pairs_of(np.zeros(2), stars=12, seed=seed), 2).scatter[1] for seed in range(40)]
    assert np.median(scatters) < 0.5 * STATED[1]
    assert excess_of(0, 1, np.zeros(9), np.ones(9), np.ones(9)) is None


def test_stars_without_an_error_are_passed_over():
    rng = np.random.default_rng(2)
    difference, variance = rng.normal(size=500), np.full(500, 0.5)
    variance[:50], difference[50:60] = np.nan, np.nan
    assert excess_of(0, 1, difference, variance, variance).stars == 440
