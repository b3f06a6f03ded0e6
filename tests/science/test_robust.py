"""Robust statistics recover the location, width and errors of known distributions."""

import numpy as np
import pytest

from app.science.robust import binned_medians, scatter, summarize


def test_scatter_estimates_sigma_despite_outliers():
    rng = np.random.default_rng(1)
    values = rng.normal(3.0, 0.2, 20_000)
    values[:400] = 50.0
    assert scatter(values) == pytest.approx(0.2, rel=0.04)


def test_bootstrap_errors_are_those_of_the_median_and_the_mad():
    values = np.random.default_rng(2).normal(0.0, 1.0, 4000)
    result = summarize(values, rng=np.random.default_rng(3))
    assert result.median_error == pytest.approx(1.2533 / np.sqrt(4000), rel=0.2)
    assert result.scatter_error == pytest.approx(1.1664 / np.sqrt(4000), rel=0.2)
    assert abs(result.median) < 4 * result.median_error


def test_large_samples_use_the_asymptotic_errors():
    values = np.random.default_rng(2).normal(0.0, 1.0, 60_000)
    result = summarize(values, rng=np.random.default_rng(3))
    assert result.median_error == pytest.approx(1.2533 / np.sqrt(60_000), rel=0.05)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_values_have_no_error(n):
    result = summarize(np.ones(n), rng=np.random.default_rng(1))
    assert result.n == n
    assert np.isnan(result.median_error)


def test_bins_follow_the_reference_and_find_a_trend():
    rng = np.random.default_rng(4)
    reference = rng.uniform(0, 10, 5000)
    bins = binned_medians(0.1 * reference, reference, rng=rng)
    assert [b.n for b in bins] == [500, 1000, 2000, 1000, 500]
    for b in bins:
        assert b.median == pytest.approx(0.1 * (b.lowest + b.highest) / 2, abs=0.03)
