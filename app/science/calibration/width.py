"""How far a survey's differences scatter, as a low-order function of the features: faint stars scatter farther."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import LowOrder, fit_low_order
from app.science.robust import scatter

FEWEST_FOR_SLOPES, FEWEST_FOR_BENDS = 200, 2000
SHRINKAGE = 10.0
"""How many stars a width that is the same everywhere counts for."""


@dataclass(frozen=True)
class Width:
    """exp of a low-order polynomial, kept within the range that it takes among the training stars.

    Attributes:
        log_width: natural logarithm of the width, None for a width of one everywhere.
        lowest: smallest logarithm.
        highest: largest logarithm.
    """

    log_width: LowOrder | None
    lowest: float
    highest: float

    def at(self, features: Floats) -> Floats:
        """Return the width (n,) at features (n, k)."""
        if self.log_width is None:
            return np.ones(len(features))
        return np.exp(np.clip(self.log_width.predict(features), self.lowest, self.highest))


UNIT_WIDTH = Width(None, 0.0, 0.0)


def fit_width(features: Floats, residuals: Floats, weights: Floats, space: FeatureSpace) -> Width:
    """Learn the width of `residuals` (n,) at `features` (n, k) from the logarithms of their sizes.

    log |r| = log width + log |z|, and the shape of z is the same everywhere: a regression of log |r| gives the width up
    to a factor, which makes 1.48 MAD of r / width equal to one (Davidian & Carroll 1987).
    """
    centred = residuals - np.median(residuals)
    typical = max(scatter(residuals), 1e-9)
    degree = 0 if len(residuals) < FEWEST_FOR_SLOPES else 1 if len(residuals) < FEWEST_FOR_BENDS else 2
    logs = np.log(np.maximum(np.abs(centred), 0.02 * typical))
    fitted = fit_low_order(features, logs, weights, space, degree=degree, shrinkage=SHRINKAGE)
    predicted = fitted.predict(features)
    factor = max(scatter(centred / np.exp(predicted)), 1e-9)
    moved = np.concatenate([fitted.coefficients[:1] + np.log(factor), fitted.coefficients[1:]])
    lowest, highest = np.quantile(predicted, [0.01, 0.99]) + np.log(factor)
    return Width(LowOrder(degree, moved, space), float(lowest), float(highest))
