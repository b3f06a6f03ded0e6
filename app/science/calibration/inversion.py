"""From what a survey reports back to the star: solve t + b(t, S/N, magnitude) = x for t, and its interval.

Learning survey - reference from the survey's own values shrinks every star towards the training population.
Learning it from the reference's values and solving for the star does not (errors-in-variables; docs/science.md,
"Direction"). Newton's method on the tabulated bias, halved steps where the bias is steep, and a flag where it does
not settle. The conformal band of x given t, carried through the inverse of I + db/dt, is the interval of t given x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.calibration.grid import BiasGrid

MOST_STEPS = 60
TOLERANCE = np.array([0.05, 1e-4, 1e-4])
LARGEST_STEP = 10_000.0
"""Of one Newton step, in tolerances: 500 K and 1 dex."""
SHORTEST_REACH = 200.0
"""Of the difference that measures a slope, in tolerances: 10 K and 0.02 dex."""
SMALLEST_DETERMINANT = 0.2


@dataclass(frozen=True)
class Inverted:
    """Calibrated values with 68 % intervals, and whether the inversion settled.

    Attributes:
        value: Teff (K), log g, [Fe/H] on the reference scale, (n, 3).
        minus: distance from the value down to the lower end of its interval, (n, 3).
        plus: distance up to the upper end, (n, 3).
        converged: (n,).
    """

    value: Floats
    minus: Floats
    plus: Floats
    converged: Booleans


def invert(
    grid: BiasGrid,
    reported: Floats,
    nuisance: Floats,
    own_minus: Floats,
    own_plus: Floats,
    *,
    correlation: Floats,
    reference_error: Floats,
) -> Inverted:
    """Solve t + b(t) = x for every star.

    Args:
        grid: the tabulated quantiles of the bias.
        reported: Teff (K), log g, [Fe/H] of the survey, all finite, (n, 3).
        nuisance: log S/N and magnitude inside the training range, (n, 2); zeros for features the survey lacks.
        own_minus: the survey's own error downwards where it is used in place of the model's band, else NaN, (n, 3).
        own_plus: the same upwards, (n, 3).
        correlation: of the survey's errors in the three parameters, (3, 3).
        reference_error: typical error of the reference, which the band holds beside the survey's own, (3,).

    Returns:
        Values and intervals about the star's true parameters (the reference's error is taken out of the band).
    """
    value, minus, plus, converged = _invert(
        grid.axes,
        grid.sizes,
        grid.values,
        np.ascontiguousarray(reported),
        np.ascontiguousarray(nuisance),
        np.ascontiguousarray(own_minus),
        np.ascontiguousarray(own_plus),
        correlation,
        reference_error,
        TOLERANCE,
    )
    return Inverted(value, minus, plus, converged)


@numba.njit(cache=True, nogil=True)
def _locate(axes: Any, start: int, size: int, at: float) -> tuple[int, float]:
    """Return the cell of `at` on one axis and the fraction of the way through it, clipped to the ends."""
    if size == 1 or at <= axes[start]:
        return 0, 0.0
    if at >= axes[start + size - 1]:
        return size - 2, 1.0
    low, high = 0, size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if axes[start + middle] <= at:
            low = middle
        else:
            high = middle
    return low, (at - axes[start + low]) / (axes[start + low + 1] - axes[start + low])


@numba.njit(cache=True, nogil=True)
def _interpolate(axes: Any, sizes: Any, values: Any, at: Any, only_median: bool, out: Any) -> None:
    """Write the nine quantiles (or only the three medians) at `at` (5,) into `out` (9,)."""
    cell = np.empty(5, dtype=np.int64)
    part = np.empty(5)
    start = 0
    for axis in range(5):
        cell[axis], part[axis] = _locate(axes, start, sizes[axis], at[axis])
        start += sizes[axis]
    out[:] = 0.0
    for corner in range(32):
        weight = 1.0
        index = 0
        for axis in range(5):
            upper = (corner >> axis) & 1
            weight *= part[axis] if upper else 1.0 - part[axis]
            index = index * sizes[axis] + min(cell[axis] + upper, sizes[axis] - 1)
        if weight == 0.0:
            continue
        if only_median:
            out[1] += weight * values[index, 1]
            out[4] += weight * values[index, 4]
            out[7] += weight * values[index, 7]
        else:
            for k in range(9):
                out[k] += weight * values[index, k]


@numba.njit(cache=True, nogil=True)
def _slopes(axes: Any, sizes: Any, values: Any, at: Any, reach: Any, low: Any, high: Any, slope: Any) -> None:
    """Write I + db/dt (3, 3) at `at`, by differences over `reach` (3,) to either side."""
    for q in range(3):
        here = at[q]
        at[q] = here - reach[q]
        _interpolate(axes, sizes, values, at, True, low)
        at[q] = here + reach[q]
        _interpolate(axes, sizes, values, at, True, high)
        at[q] = here
        for p in range(3):
            slope[p, q] = (high[3 * p + 1] - low[3 * p + 1]) / (2.0 * reach[q]) + (1.0 if p == q else 0.0)


@numba.njit(cache=True, nogil=True)
def _inverse(matrix: Any, out: Any) -> Any:
    """Write the inverse of a 3 x 3 matrix into `out` and return the determinant; `out` is left alone if it is ~0."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(determinant) < 1e-9:
        return determinant
    out[0, 0], out[0, 1], out[0, 2] = (e * i - f * h), (c * h - b * i), (b * f - c * e)
    out[1, 0], out[1, 1], out[1, 2] = (f * g - d * i), (a * i - c * g), (c * d - a * f)
    out[2, 0], out[2, 1], out[2, 2] = (d * h - e * g), (b * g - a * h), (a * e - b * d)
    for p in range(3):
        for q in range(3):
            out[p, q] /= determinant
    return determinant


@numba.njit(cache=True, nogil=True)
def _spread(inverse: Any, correlation: Any, minus: Any, plus: Any, p: int, upward: bool) -> Any:
    """Return the distance of parameter p's interval end: the band, correlated, through row p of the inverse."""
    total = 0.0
    for q in range(3):
        for r in range(3):
            side_q = minus[q] if (inverse[p, q] > 0.0) == upward else plus[q]
            side_r = minus[r] if (inverse[p, r] > 0.0) == upward else plus[r]
            total += inverse[p, q] * inverse[p, r] * correlation[q, r] * side_q * side_r
    return np.sqrt(max(total, 0.0))


@numba.njit(cache=True, nogil=True)
def _without_reference(width: float, reference_error: float) -> Any:
    """Return the survey's share of a band's half width: at least half of its variance, lest an error be called zero."""
    return np.sqrt(max(width * width - reference_error * reference_error, 0.5 * width * width))


@numba.njit(cache=True, nogil=True)
def _settle(axes: Any, sizes: Any, values: Any, reported: Any, at: Any, reach: Any, tolerance: Any) -> bool:
    """Move `at` to where t + b(t) equals `reported` (3,); return whether it got there."""
    bias, low, high = np.empty(9), np.empty(9), np.empty(9)
    slope, inverse = np.eye(3), np.eye(3)
    rest, step = np.empty(3), np.empty(3)
    damping, previous = 1.0, np.inf
    for _ in range(MOST_STEPS):
        _interpolate(axes, sizes, values, at, True, bias)
        for p in range(3):
            rest[p] = reported[p] - at[p] - bias[3 * p + 1]
        size = np.max(np.abs(rest) / tolerance)
        if size < 1.0:
            return True
        if size > 0.9 * previous:
            damping = max(0.5 * damping, 0.1)
        previous = size
        _slopes(axes, sizes, values, at, reach, low, high, slope)
        if _inverse(slope, inverse) > SMALLEST_DETERMINANT:
            step[:] = inverse @ rest
        else:
            step[:] = 0.5 * rest
        limit = LARGEST_STEP * tolerance
        at[:3] += damping * np.minimum(np.maximum(step, -limit), limit)
    return False


@numba.njit(cache=True, nogil=True)
def _band(bias: Any, own_minus: Any, own_plus: Any, reference_error: Any, below: Any, above: Any) -> None:
    """Write the half widths of the survey's error: of the model's band, or the quoted ones where they are given."""
    for p in range(3):
        if np.isnan(own_minus[p]):
            below[p] = _without_reference(bias[3 * p + 1] - bias[3 * p], reference_error[p])
            above[p] = _without_reference(bias[3 * p + 2] - bias[3 * p + 1], reference_error[p])
        else:
            # The survey's band lies around the star: an error upwards is an interval downwards, and the reverse.
            below[p], above[p] = own_plus[p], own_minus[p]


@numba.njit(cache=True, nogil=True)
def _invert(
    axes: Any,
    sizes: Any,
    values: Any,
    reported: Any,
    nuisance: Any,
    own_minus: Any,
    own_plus: Any,
    correlation: Any,
    reference_error: Any,
    tolerance: Any,
) -> tuple[Any, Any, Any, Any]:
    n = reported.shape[0]
    value, minus, plus = np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3))
    converged = np.zeros(n, dtype=np.bool_)
    at, bias, low, high = np.empty(5), np.empty(9), np.empty(9), np.empty(9)
    slope, inverse = np.eye(3), np.eye(3)
    reach, below, above = np.empty(3), np.empty(3), np.empty(3)
    for star in range(n):
        at[:3] = reported[star]
        at[3:] = nuisance[star]
        _interpolate(axes, sizes, values, at, False, bias)
        for p in range(3):
            at[p] -= bias[3 * p + 1]
            reach[p] = max(0.5 * (bias[3 * p + 2] - bias[3 * p]), SHORTEST_REACH * tolerance[p])
        converged[star] = _settle(axes, sizes, values, reported[star], at, reach, tolerance)
        value[star] = at[:3]
        _interpolate(axes, sizes, values, at, False, bias)
        _band(bias, own_minus[star], own_plus[star], reference_error, below, above)
        reach[:] = np.maximum(0.5 * (below + above), SHORTEST_REACH * tolerance)
        _slopes(axes, sizes, values, at, reach, low, high, slope)
        if _inverse(slope, inverse) < SMALLEST_DETERMINANT:
            inverse[:] = np.eye(3)
        for p in range(3):
            minus[star, p] = _spread(inverse, correlation, below, above, p, False)
            plus[star, p] = _spread(inverse, correlation, below, above, p, True)
    return value, minus, plus, converged
