"""Low-order bias models: constant, linear or quadratic in the features, robust and shrunk (Huber ridge)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.features import FeatureSpace
from app.science.robust import scatter

HUBER_SIGMAS = 1.5
ITERATIONS = 20


@dataclass(frozen=True)
class LowOrder:
    """A polynomial of the standardized features with `degree` 0, 1 or 2 and its coefficients (m,)."""

    degree: int
    coefficients: Floats
    space: FeatureSpace

    def predict(self, features: Floats) -> Floats:
        """Return the bias (n,) at features (n, k)."""
        return design(self.space.standardize(features), self.degree) @ self.coefficients


def fit_low_order(
    features: Floats, target: Floats, weights: Floats, space: FeatureSpace, *, degree: int, shrinkage: float = 1.0
) -> LowOrder:
    """Fit a polynomial to `target` (n,) at `features` (n, k) by Huber's M-estimate with a ridge penalty.

    The penalty acts on standardized features and never on the constant: `shrinkage` is the number of stars that a
    slope of zero counts for. Iteratively reweighted least squares (Huber 1964; Hoerl & Kennard 1970).

    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> s = FeatureSpace(("teff",), np.zeros(1), np.ones(1), -np.ones(1), np.ones(1))
    >>> fit_low_order(x, 2 + 3 * x[:, 0], np.ones(50), s, degree=1, shrinkage=0.0).coefficients.round(6).tolist()
    [2.0, 3.0]
    """
    matrix = design(space.standardize(features), degree)
    penalty = np.full(matrix.shape[1], shrinkage)
    penalty[0] = 0.0
    robust_weights = weights
    for _ in range(ITERATIONS):
        weighted = matrix * robust_weights[:, None]
        coefficients = np.linalg.solve(weighted.T @ matrix + np.diag(penalty), weighted.T @ target)
        residuals = target - matrix @ coefficients
        limit = HUBER_SIGMAS * max(scatter(residuals), 1e-12)
        robust_weights = weights * np.minimum(1.0, limit / np.maximum(np.abs(residuals), 1e-12))
    return LowOrder(degree, np.asarray(coefficients, dtype=np.float64), space)


def design(standardized: Floats, degree: int) -> Floats:
    """Return the design matrix (n, m): 1, the features, and their products up to `degree`."""
    columns = [np.ones(len(standardized))]
    if degree >= 1:
        columns += list(standardized.T)
    if degree >= 2:
        k = standardized.shape[1]
        columns += [standardized[:, i] * standardized[:, j] for i in range(k) for j in range(i, k)]
    return np.column_stack(columns)
