"""Coverage: honest errors hold 68 %, dishonest ones are caught overall, in their cell and in their slab."""

import numpy as np
import pytest

from app.science.validation.coverage import LEVEL, coverage_of, difference_pulls, judge_coverage, truth_pulls
from app.science.validation.worst_slab import worst_slab
from tests.support.two_surveys import truth_of


def skewed(rng, minus, plus, n):
    """Draw from a split normal about zero."""
    side = rng.random(n) < plus / (minus + plus)
    return np.abs(rng.normal(size=n)) * np.where(side, plus, -minus)


def features_of(n, rng):
    return np.column_stack([truth_of(n, seed=3), rng.uniform(15, 150, n)])


@pytest.mark.parametrize("shared", [0.0, 0.04])
def test_honest_errors_hold_68_per_cent_of_differences(shared):
    rng = np.random.default_rng(1)
    n, a_error, b_error = 20_000, 0.3, 0.25
    together = np.sqrt(shared) * rng.normal(size=n)
    a = together + np.sqrt(a_error**2 - shared) * rng.normal(size=n)
    b = together + np.sqrt(b_error**2 - shared) * rng.normal(size=n)
    e, f = np.full(n, a_error), np.full(n, b_error)
    pulls = difference_pulls(a, b, a_minus=e, a_plus=e, b_minus=f, b_plus=f, shared_variance=shared)
    covered = coverage_of(np.abs(pulls) <= 1)
    assert abs(covered.covered - LEVEL) < 3.5 * covered.error
    assert pulls.std() == pytest.approx(1.0, abs=0.02)


def test_an_asymmetric_error_is_used_on_its_own_side():
    """A value that is too high lies above the truth by its error downwards."""
    rng = np.random.default_rng(2)
    n, minus, plus = 20_000, 0.1, 0.4
    value = skewed(rng, plus, minus, n)  # the interval reaches the truth: noise downwards is the error upwards
    pulls = truth_pulls(value, np.full(n, minus), np.full(n, plus), np.zeros(n))
    covered = coverage_of(np.abs(pulls) <= 1)
    assert abs(covered.covered - LEVEL) < 3.5 * covered.error
    swapped = truth_pulls(value, np.full(n, plus), np.full(n, minus), np.zeros(n))
    assert coverage_of(np.abs(swapped) <= 1).covered < 0.6


def test_an_unknown_error_is_no_pull():
    one = np.ones(2)
    pulls = difference_pulls(one, 0 * one, a_minus=np.array([np.nan, 1.0]), a_plus=one, b_minus=one, b_plus=one)
    assert np.isnan(pulls[0])
    assert judge_coverage(pulls, np.ones((2, 4)), rng=np.random.default_rng(1)).overall.n == 1


def test_a_bad_cell_is_found_where_it_is():
    rng = np.random.default_rng(3)
    n = 12_000
    features = features_of(n, rng)
    bad = (features[:, 2] < -0.5) & (features[:, 3] < 30)
    report = judge_coverage(rng.normal(size=n) * np.where(bad, 2.5, 1.0), features, rng=rng)
    for cell in report.cells:
        expected = 0.311 if (cell.bounds["feh"][1] or 9) <= -0.5 and cell.bounds["snr"][1] == 30.0 else LEVEL
        assert abs(cell.coverage.covered - expected) < 4 * cell.coverage.error
    assert any(cell.bounds["snr"][1] == 30.0 and cell.coverage.covered < 0.45 for cell in report.cells)
    by_quantity = {next(iter(part.bounds)) for part in report.bins}
    assert by_quantity == {"teff", "logg", "feh", "snr"}
    assert sum(part.coverage.n for part in report.bins if "snr" in part.bounds) == n


def test_a_star_without_a_feature_counts_overall_and_in_no_cell():
    rng = np.random.default_rng(4)
    features = features_of(2000, rng)
    features[:, 3] = np.nan
    report = judge_coverage(rng.normal(size=2000), features, rng=rng)
    assert report.overall.n == 2000
    assert report.cells == []
    assert report.worst_slab is not None


def test_the_worst_slab_of_perfect_intervals_covers_what_it_should():
    """The slab that was picked for its low coverage covers 68 % of the stars that did not pick it."""
    rng = np.random.default_rng(5)
    picked, judged = [], []
    for _ in range(30):
        slab = worst_slab(rng.normal(size=(1200, 3)), rng.random(1200) < LEVEL, rng=rng)
        picked.append(slab.found)
        judged.append((slab.covered - LEVEL) / slab.error)
    assert np.mean(picked) < LEVEL - 0.05
    assert abs(np.mean(judged)) < 3.5 / np.sqrt(30)


def test_the_worst_slab_finds_a_bad_direction():
    rng = np.random.default_rng(6)
    z = rng.normal(size=(6000, 2))
    slab = worst_slab(z * [100, 0.1], rng.random(6000) < np.where(z.sum(axis=1) > 1.3, 0.4, LEVEL), rng=rng)
    assert slab.covered == pytest.approx(0.4, abs=0.09)
    assert abs(np.dot(slab.direction, [1, 1])) / np.sqrt(2) > 0.9
