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

LOCAL_STEPS = 12
MOST_STEPS = 40
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
        below: how far below its median the survey reports such a star, 16 % point of its error, (n, 3).
        above: how far above, (n, 3).
        converged: (n,).
    """

    value: Floats
    minus: Floats
    plus: Floats
    below: Floats
    above: Floats
    converged: Booleans


def invert(
    grid: BiasGrid,
    reported: Floats,
    nuisance: Floats,
    own_minus: Floats,
    own_plus: Floats,
    *,
    correlation: Floats,
) -> Inverted:
    """Solve t + b(t) = x for every star.

    Args:
        grid: the tabulated quantiles of the bias.
        reported: Teff (K), log g, [Fe/H] of the survey, all finite, (n, 3).
        nuisance: log S/N and magnitude inside the training range, (n, 2); zeros for features the survey lacks.
        own_minus: the survey's own error downwards where it is used in place of the model's band, else NaN, (n, 3).
        own_plus: the same upwards, (n, 3).
        correlation: of the survey's errors in the three parameters, (3, 3).
    """
    value, minus, plus, below, above, converged = _invert(
        (grid.axes, grid.sizes, grid.values),
        (grid.axes, grid.sizes, np.ascontiguousarray(grid.values[:, 1::3])),
        np.ascontiguousarray(reported),
        np.ascontiguousarray(nuisance),
        np.ascontiguousarray(own_minus),
        np.ascontiguousarray(own_plus),
        correlation,
        TOLERANCE,
    )
    return Inverted(value, minus, plus, below, above, converged)


@numba.njit(cache=True, nogil=True)
def _locate(axes: Any, start: int, size: int, at: float) -> tuple[int, float, float]:
    """Return the cell of `at` on one axis, how far through it `at` is (0 to 1, clipped), and the cell's width."""
    if size == 1 or at <= axes[start]:
        return 0, 0.0, 1.0
    if at >= axes[start + size - 1]:
        return size - 1, 0.0, 1.0
    low, high = 0, size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if axes[start + middle] <= at:
            low = middle
        else:
            high = middle
    width = axes[start + low + 1] - axes[start + low]
    return low, (at - axes[start + low]) / width, width


@numba.njit(cache=True, nogil=True)
def _corners(axes: Any, sizes: Any, at: Any, scratch: Any) -> int:
    """Write the nodes around `at` (5,) with shares, sides and the cell's place; return how many there are."""
    node, share, side, part, width = scratch
    count, start = 1, 0
    node[0], share[0], side[0] = 0, 1.0, 0
    for axis in range(5):
        size = sizes[axis]
        cell, part[axis], width[axis] = _locate(axes, start, size, at[axis])
        start += size
        for corner in range(count):
            node[corner] = node[corner] * size + cell
        if part[axis] == 0.0:
            continue
        for corner in range(count):
            node[count + corner] = node[corner] + 1
            share[count + corner] = share[corner] * part[axis]
            side[count + corner] = side[corner] | (1 << axis)
            share[corner] *= 1.0 - part[axis]
        count *= 2
    return count


@numba.njit(cache=True, nogil=True)
def _interpolate(grid: Any, at: Any, scratch: Any, out: Any) -> None:
    """Write the columns of the grid's table at `at` (5,) into `out`."""
    axes, sizes, table = grid
    node, share = scratch[0], scratch[1]
    out[:] = 0.0
    for corner in range(_corners(axes, sizes, at, scratch)):
        for k in range(table.shape[1]):
            out[k] += share[corner] * table[node[corner], k]


@numba.njit(cache=True, nogil=True)
def _with_slopes(median: Any, at: Any, scratch: Any, out: Any, slope: Any) -> None:
    """Write the median bias at `at` into `out` (3,) and I + db/dt of the cell into `slope` (3, 3)."""
    axes, sizes, table = median
    node, share, side, part, width = scratch
    out[:] = 0.0
    slope[:] = 0.0
    for corner in range(_corners(axes, sizes, at, scratch)):
        for p in range(3):
            out[p] += share[corner] * table[node[corner], p]
        for q in range(3):
            if part[q] == 0.0:
                continue
            upper = (side[corner] >> q) & 1
            change = share[corner] / (width[q] * (part[q] if upper else part[q] - 1.0))
            for p in range(3):
                slope[p, q] += change * table[node[corner], p]
    for p in range(3):
        slope[p, p] += 1.0


@numba.njit(cache=True, nogil=True)
def _wide_slopes(median: Any, at: Any, reach: Any, scratch: Any, slope: Any) -> None:
    """Write I + db/dt (3, 3) at `at`, by differences over `reach` (3,) to either side."""
    low, high = np.empty(3), np.empty(3)
    for q in range(3):
        here = at[q]
        at[q] = here - reach[q]
        _interpolate(median, at, scratch, low)
        at[q] = here + reach[q]
        _interpolate(median, at, scratch, high)
        at[q] = here
        for p in range(3):
            slope[p, q] = (high[p] - low[p]) / (2.0 * reach[q]) + (1.0 if p == q else 0.0)


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
def _settle(median: Any, reported: Any, at: Any, reach: Any, tolerance: Any, scratch: Any) -> bool:
    """Move `at` to where t + b(t) equals `reported` (3,); return whether it got there.

    Newton's method with the slopes of the cell that `at` is in, exact once it stays in one cell; where that hops
    between cells, slopes over the survey's error and shorter steps.
    """
    bias, slope, inverse, rest = np.empty(3), np.eye(3), np.eye(3), np.empty(3)
    damping = 1.0
    for turn in range(MOST_STEPS):
        _with_slopes(median, at, scratch, bias, slope)
        size = 0.0
        for p in range(3):
            rest[p] = reported[p] - at[p] - bias[p]
            size = max(size, abs(rest[p]) / tolerance[p])
        if size < 1.0:
            return True
        if turn >= LOCAL_STEPS:
            damping = 0.5
            _wide_slopes(median, at, reach, scratch, slope)
        steep = _inverse(slope, inverse) < SMALLEST_DETERMINANT
        for p in range(3):
            step = 0.5 * rest[p]
            if not steep:
                step = inverse[p, 0] * rest[0] + inverse[p, 1] * rest[1] + inverse[p, 2] * rest[2]
            limit = LARGEST_STEP * tolerance[p]
            at[p] += damping * min(max(step, -limit), limit)
    return False


@numba.njit(cache=True, nogil=True)
def _band(bias: Any, own_minus: Any, own_plus: Any, below: Any, above: Any) -> None:
    """Write the half widths of the survey's error: of the model's band, or the quoted ones where they are given."""
    for p in range(3):
        if np.isnan(own_minus[p]):
            below[p] = bias[3 * p + 1] - bias[3 * p]
            above[p] = bias[3 * p + 2] - bias[3 * p + 1]
        else:
            # The survey's band lies around the star: an error upwards is an interval downwards, and the reverse.
            below[p], above[p] = own_plus[p], own_minus[p]


@numba.njit(cache=True, nogil=True)
def _invert(
    grid: Any,
    median: Any,
    reported: Any,
    nuisance: Any,
    own_minus: Any,
    own_plus: Any,
    correlation: Any,
    tolerance: Any,
) -> tuple[Any, Any, Any, Any, Any, Any]:
    n = reported.shape[0]
    value, minus, plus = np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3))
    below, above = np.empty((n, 3)), np.empty((n, 3))
    converged = np.zeros(n, dtype=np.bool_)
    scratch = (np.empty(32, np.int64), np.empty(32), np.empty(32, np.int64), np.empty(5), np.empty(5))
    at, bias = np.empty(5), np.empty(9)
    slope, inverse = np.eye(3), np.eye(3)
    reach = np.empty(3)
    for star in range(n):
        at[:3] = reported[star]
        at[3:] = nuisance[star]
        _interpolate(grid, at, scratch, bias)
        for p in range(3):
            at[p] -= bias[3 * p + 1]
            reach[p] = max(0.5 * (bias[3 * p + 2] - bias[3 * p]), SHORTEST_REACH * tolerance[p])
        converged[star] = _settle(median, reported[star], at, reach, tolerance, scratch)
        value[star] = at[:3]
        _interpolate(grid, at, scratch, bias)
        _band(bias, own_minus[star], own_plus[star], below[star], above[star])
        for p in range(3):
            reach[p] = max(0.5 * (below[star, p] + above[star, p]), SHORTEST_REACH * tolerance[p])
        _wide_slopes(median, at, reach, scratch, slope)
        if _inverse(slope, inverse) < SMALLEST_DETERMINANT:
            inverse[:] = np.eye(3)
        for p in range(3):
            minus[star, p] = _spread(inverse, correlation, below[star], above[star], p, False)
            plus[star, p] = _spread(inverse, correlation, below[star], above[star], p, True)
    return value, minus, plus, below, above, converged
