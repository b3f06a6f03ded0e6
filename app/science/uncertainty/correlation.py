"""Correlation matrices of the three parameters, and what is done where a survey's are impossible.

Pairs stand in the order (Teff, log g), (Teff, [Fe/H]), (log g, [Fe/H]). Three correlations that a survey rounds or
estimates one by one need not fit together: the matrix then has a negative eigenvalue, and no errors can be drawn from
it. It is shrunk towards independence, (1 - s) C + s I, by the smallest s that makes its smallest eigenvalue `smallest`
(Higham, Strabic & Sego 2016, SIAM Review 58, 245), which keeps the signs and the ratios of the three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats

SMALLEST_EIGENVALUE = 0.01


@dataclass(frozen=True)
class Repaired:
    """Correlation matrices that errors can be drawn from.

    Attributes:
        correlation: positive definite, unit diagonal, (n, k, k).
        shrinkage: how far each was moved towards independence, 0 where it was left alone, (n,).
    """

    correlation: Floats
    shrinkage: Floats

    @property
    def changed(self) -> Booleans:
        """Which matrices (n,) could not be used as they were."""
        return np.asarray(self.shrinkage > 0.0)


def matrices(rho: Floats) -> Floats:
    """Return correlation matrices (n, 3, 3) of pairs (n, 3); an unknown correlation (NaN) counts as none.

    >>> matrices(np.array([[0.5, np.nan, 0.1]]))[0].tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.1], [0.0, 0.1, 1.0]]
    """
    known = np.where(np.isfinite(rho), rho, 0.0)
    correlation = np.tile(np.eye(3), (len(rho), 1, 1))
    for pair, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        correlation[:, i, j] = correlation[:, j, i] = known[:, pair]
    return correlation


def pairs(correlation: Floats) -> Floats:
    """Return the pairs (n, 3) of correlation or covariance matrices (n, 3, 3), scaled to unit diagonal.

    >>> pairs(np.array([[[4.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])).tolist()
    [[0.5, 0.0, 0.0]]
    """
    size = np.sqrt(np.diagonal(correlation, axis1=1, axis2=2))
    return np.stack([correlation[:, i, j] / (size[:, i] * size[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))], axis=1)


def repair(correlation: Floats, *, smallest: float = SMALLEST_EIGENVALUE) -> Repaired:
    """Return matrices (n, k, k) whose smallest eigenvalue is at least `smallest`, and which of them had to change.

    >>> fixed = repair(matrices(np.array([[0.9, 0.9, -0.9], [0.5, 0.6, 0.3]])))
    >>> fixed.changed.tolist(), fixed.correlation[0, 0].round(1).tolist()
    ([True, False], [1.0, 0.5, 0.5])
    """
    lowest = np.linalg.eigvalsh(correlation)[:, 0]
    low = np.minimum(lowest, smallest)
    shrinkage = (smallest - low) / (1.0 - low)
    mixed = (1.0 - shrinkage)[:, None, None] * correlation + shrinkage[:, None, None] * np.eye(correlation.shape[1])
    return Repaired(mixed, shrinkage)
