"""Chi2 equals r^T V^-1 r of the full covariance, and its p-values are flat where the errors are honest."""

import numpy as np
import pytest

from app.science.combination.disagreement import disagree, flatness, generalized_chi2, p_values


def test_it_is_the_chi2_of_the_full_covariance():
    rng = np.random.default_rng(1)
    value, variance = rng.normal(size=7), rng.uniform(0.5, 2, 7)
    survey, shared_by_survey = np.array([0, 1, 1, 2, 2, 2, 0]), np.array([0.3, 0.0, 2.0])
    same = survey[:, None] == survey[None, :]
    covariance = np.diag(variance) + same * shared_by_survey[survey]
    residual = value - 0.4
    weight = np.ones(7)
    ours = generalized_chi2(
        value, np.array([0.4]), weight, variance, variance, shared_by_survey[survey], survey, np.array([0, 7])
    )
    assert ours[0] == pytest.approx(residual @ np.linalg.solve(covariance, residual))


def test_each_side_has_its_own_error_and_what_did_not_enter_does_not_count():
    value, minus, plus = np.array([0.0, 4.0, 50.0]), np.full(3, 4.0), np.full(3, 1.0)
    chi2 = generalized_chi2(
        value, np.array([2.0]), np.array([0.5, 0.5, 0.0]), minus, plus, np.zeros(3), np.arange(3), np.array([0, 3])
    )
    assert chi2[0] == pytest.approx(4 / 1 + 4 / 4)
    nothing = generalized_chi2(
        value, np.array([np.nan]), np.zeros(3), minus, plus, minus, np.arange(3), np.array([0, 3])
    )
    assert np.isnan(nothing[0])


def test_the_flag_begins_at_one_in_a_thousand():
    p = p_values(np.array([10.82, 10.84, 0.0, np.nan]), np.array([2, 2, 1, 0]))
    assert disagree(p).tolist() == [False, True, False, False]


def test_flatness_sees_errors_that_are_too_small_or_too_large():
    chi2 = np.random.default_rng(3).chisquare(2, 50_000)
    n = np.full(len(chi2), 3)
    assert flatness(p_values(chi2, n)) == pytest.approx(np.ones(10), abs=0.06)
    assert flatness(p_values(1.5 * chi2, n))[0] > 1.5
    assert flatness(p_values(0.5 * chi2, n))[-1] > 1.5
    assert np.array_equal(flatness(np.array([np.nan])), np.zeros(10))
