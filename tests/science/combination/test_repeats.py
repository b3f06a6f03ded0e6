"""The correlation of repeats comes back, from their scatter against the scatter to other surveys."""

import numpy as np
import pytest

from app.science.combination.repeats import UNKNOWN, first_two, repeat_correlation


def repeats(correlation, *, stars=4000, seed=1, factor=1.0):
    """Return differences and stated variances of two spectra a star."""
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.5, 2.0, (stars, 2))
    own = np.sqrt(1 - correlation) * factor * error * rng.normal(size=(stars, 2))
    return own[:, 0] - own[:, 1], np.square(error).sum(axis=1)


@pytest.mark.parametrize("truth", [0.0, 0.3, 0.7])
def test_the_correlation_comes_back(truth):
    found = repeat_correlation(*repeats(truth))
    assert abs(found.correlation - truth) < 3 * found.error
    assert found.error < 0.04


def test_errors_that_are_too_large_do_not_pass_for_correlation():
    difference, variance = repeats(0.0, factor=0.7)
    assert repeat_correlation(difference, variance).correlation > 0.4
    assert repeat_correlation(difference, variance, factor=0.7).correlation < 0.1
    assert repeat_correlation(difference, variance, factor=1.6).correlation > 0.4


def test_a_handful_of_repeats_says_next_to_nothing():
    found = [repeat_correlation(*repeats(0.0, stars=12, seed=seed)).correlation for seed in range(60)]
    assert np.median(found) < 0.1
    assert repeat_correlation(np.zeros(9), np.ones(9)) == UNKNOWN


def test_two_spectra_a_star_are_chosen_and_unusable_ones_passed_over():
    star = np.array([3, 3, 3, 3, 5, 7, 7, 8, 8])
    usable = np.array([True, False, True, True, True, True, True, True, False])
    first, second = first_two(star, usable)
    assert (first.tolist(), second.tolist()) == ([0, 5], [2, 6])
