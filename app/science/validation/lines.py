"""A straight line that outliers cannot tilt, with an error that does not believe in equal scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.robust import scatter

HUBER = 1.345
"""Residuals beyond this many sigma lose weight: 95 % efficient for Gaussian ones (Huber 1981)."""
ITERATIONS = 30


@dataclass(frozen=True)
class Line:
    """A fitted line: slope and its standard error, and the value at the median abscissa."""

    slope: float
    error: float
    level: float


def robust_line(x: Floats, y: Floats) -> Line:
    """Fit y = level + slope (x - median(x)) by Huber's M-estimator; (n,) each, NaN with fewer than three points.

    Iteratively reweighted least squares with the scale from the MAD of the residuals. The error is the sandwich
    A^-1 B A^-1 n / (n - 2) with A = sum psi' z z', B = sum psi^2 z z' (Huber 1967; White 1980): it holds where the
    scatter changes along x.

    >>> x = np.arange(50.0)
    >>> y = 2 + 0.5 * x
    >>> y[7] = 400.0
    >>> round(robust_line(x, y).slope, 3)
    0.5
    """
    n = len(x)
    if n < 3 or np.ptp(x) == 0:
        return Line(float("nan"), float("nan"), float(np.median(y)) if n else float("nan"))
    design = np.column_stack([np.ones(n), x - np.median(x)])
    design[:, 1] /= (unit := float(np.std(design[:, 1])))
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    for _ in range(ITERATIONS):
        residual = y - design @ solution
        scale = max(scatter(residual), 1e-12 * (1 + float(np.abs(y).max())))
        weight = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-300))
        before = solution
        solution = np.linalg.solve(design.T @ (weight[:, None] * design), design.T @ (weight * y))
        if np.abs(solution - before).max() <= 1e-6 * scale:
            break
    residual = y - design @ solution
    psi = np.clip(residual, -HUBER * scale, HUBER * scale)
    bread = np.linalg.pinv((design * (np.abs(residual) <= HUBER * scale)[:, None]).T @ design)
    meat = (design * (psi**2)[:, None]).T @ design
    error = float(np.sqrt((bread @ meat @ bread)[1, 1] * n / (n - 2)))
    return Line(float(solution[1] / unit), error / unit, float(solution[0]))
