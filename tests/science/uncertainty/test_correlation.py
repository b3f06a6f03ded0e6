"""Correlations that fit together are left alone; those that cannot are moved as little as it takes, and said so."""

import numpy as np

from app.science.uncertainty.correlation import SMALLEST_EIGENVALUE, matrices, pairs, repair


def test_possible_correlations_are_left_as_they_are():
    rho = np.array([[0.5, 0.6, 0.3], [0.0, 0.0, 0.0], [-0.9, 0.1, 0.2]])
    fixed = repair(matrices(rho))
    assert not fixed.changed.any()
    np.testing.assert_allclose(pairs(fixed.correlation), rho)


def test_impossible_correlations_become_possible_with_their_signs_and_ratios():
    rho = np.random.default_rng(1).uniform(-1, 1, (5000, 3))
    fixed = repair(matrices(rho))
    lowest = np.linalg.eigvalsh(matrices(rho))[:, 0]
    np.testing.assert_array_equal(fixed.changed, lowest < SMALLEST_EIGENVALUE)
    assert 0.2 < fixed.changed.mean() < 0.8
    after = np.linalg.eigvalsh(fixed.correlation)[:, 0]
    np.testing.assert_allclose(after[fixed.changed], SMALLEST_EIGENVALUE, atol=1e-12)
    np.testing.assert_allclose(pairs(fixed.correlation), (1 - fixed.shrinkage)[:, None] * rho, atol=1e-12)


def test_an_unknown_correlation_counts_as_none():
    assert pairs(matrices(np.array([[np.nan, 0.4, np.nan]]))).tolist() == [[0.0, 0.4, 0.0]]
