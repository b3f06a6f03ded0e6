"""Combination of measurements with asymmetric errors: the minimum of the summed split-normal negative log-likelihood.

Each measurement v with errors minus, plus contributes (x - v)^2 / (2 s^2), s = minus below v and plus above it. The
sum is convex and piecewise quadratic with knots at the values, so it has one minimum, found exactly in its own
segment; the interval ends where the sum has risen by 0.5, roots of a quadratic in theirs. (Barlow 2003,
arXiv:physics/0306138; Barlow, Brazzale & Volobouev 2024, arXiv:2411.15499.) Measurements far from the rest may be kept
from pulling any harder (`bounded.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from scipy import special

from app.science.arrays import Floats, Integers
from app.science.combination.bounded import (
    NEVER,
    bounded_crossing,
    bounded_minimum,
    knots_of,
    leaves,
    share,
)

RISE = 0.5
SMALLEST, LARGEST = 1e-100, 1e100
"""Errors between which squares and their inverses are numbers."""


@dataclass(frozen=True)
class Combined:
    """One value a group.

    Attributes:
        value: where the summed negative log-likelihood is smallest, NaN for an empty group, (g,).
        minus: distance down to where it has risen by 0.5, (g,).
        plus: distance up, (g,).
        n: number of measurements that entered, (g,).
        chi2: twice the plain sum at its own minimum, (g,).
        p_value: chance of a larger chi2 with n - 1 degrees of freedom, NaN for one measurement, (g,).
        weight: share of each measurement in the value, 0 where it did not enter, (m,).
        plain: where the plain sum is smallest: `value`, unless a measurement was kept from pulling harder, (g,).
    """

    value: Floats
    minus: Floats
    plus: Floats
    n: Integers
    chi2: Floats
    p_value: Floats
    weight: Floats
    plain: Floats


def combine(value: Floats, minus: Floats, plus: Floats, starts: Integers, *, linear_beyond: float = NEVER) -> Combined:
    """Combine measurements group by group.

    Args:
        value: measurements, those of a group next to each other, NaN where there is none, (m,).
        minus: positive error downwards, (m,); a measurement whose errors are not positive and finite numbers does not
            enter.
        plus: positive error upwards, (m,).
        starts: where each group begins, and the end, rising, (g + 1,).
        linear_beyond: how many errors from the value a measurement pulls no harder than there, at least 1.

    >>> result = combine(np.array([1.0, 3.0]), np.ones(2), np.ones(2), np.array([0, 2]))
    >>> result.value.tolist(), result.plus.round(4).tolist(), result.chi2.tolist()
    ([2.0], [0.7071], [2.0])
    >>> three = np.array([0.0, 1.0, 50.0]), np.ones(3), np.ones(3), np.array([0, 3])
    >>> combine(*three).value.tolist(), combine(*three, linear_beyond=2.0).value.tolist()
    ([17.0], [1.5])
    """
    groups = len(starts) - 1
    out = [np.full(groups, np.nan) for _ in range(5)]
    n = np.zeros(groups, dtype=np.int64)
    weight = np.zeros(len(value))
    _combine(
        np.ascontiguousarray(value, dtype=np.float64),
        np.ascontiguousarray(minus, dtype=np.float64),
        np.ascontiguousarray(plus, dtype=np.float64),
        np.ascontiguousarray(starts, dtype=np.int64),
        linear_beyond,
        *out,
        n,
        weight,
    )
    chi2 = out[3]
    with np.errstate(invalid="ignore"):
        p_value = np.where(n > 1, special.chdtrc(np.maximum(n - 1, 1), chi2), np.nan)
    return Combined(out[0], out[1], out[2], n, chi2, p_value, weight, out[4])


@numba.njit(cache=True, nogil=True)
def _combine(
    value: Any,
    minus: Any,
    plus: Any,
    starts: Any,
    far: float,
    centre: Any,
    down: Any,
    up: Any,
    chi2: Any,
    plain: Any,
    n: Any,
    weight: Any,
) -> None:
    largest = 0
    for group in range(len(starts) - 1):
        largest = max(largest, starts[group + 1] - starts[group])
    room, knots = np.empty(largest, dtype=np.int64), np.empty(3 * largest)
    for group in range(len(starts) - 1):
        count = _gather(value, minus, plus, starts[group], starts[group + 1], room)
        n[group] = count
        if count == 0:
            continue
        kept = room[:count]
        best = _minimum(value, minus, plus, kept)
        lowest = _height(value, minus, plus, kept, best)
        low = _crossing(value, minus, plus, kept, best, lowest + RISE, -1)
        high = _crossing(value, minus, plus, kept, best, lowest + RISE, 1)
        plain[group], chi2[group] = best, 2.0 * lowest
        if leaves(value, minus, plus, kept, low, high, far):
            own = knots[: knots_of(value, minus, plus, kept, far, knots)]
            best = bounded_minimum(value, minus, plus, kept, far, own)
            low = bounded_crossing(value, minus, plus, kept, far, own, best, RISE, -1)
            high = bounded_crossing(value, minus, plus, kept, far, own, best, RISE, 1)
        centre[group], down[group], up[group] = best, best - low, high - best
        total = 0.0
        for i in kept:
            side = plus[i] if best >= value[i] else minus[i]
            weight[i] = share(abs(best - value[i]) / side, far) / (side * side)
            total += weight[i]
        for i in kept:
            weight[i] /= total


@numba.njit(cache=True, nogil=True)
def _gather(value: Any, minus: Any, plus: Any, start: int, stop: int, kept: Any) -> int:
    """Write the usable rows of a group into `kept`, by rising value, and return how many there are."""
    count = 0
    for i in range(start, stop):
        if not (np.isfinite(value[i]) and SMALLEST < minus[i] < LARGEST and SMALLEST < plus[i] < LARGEST):
            continue
        place = count
        while place > 0 and value[kept[place - 1]] > value[i]:
            kept[place] = kept[place - 1]
            place -= 1
        kept[place] = i
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _minimum(value: Any, minus: Any, plus: Any, kept: Any) -> Any:
    """Return where the sum is smallest; `kept` is by rising value.

    The slope rises from knot to knot: bisect for the segment in which it passes zero. Each slope is summed anew, for a
    running sum loses everything where errors differ by many orders of magnitude.
    """
    low, high = 0, len(kept)
    while high - low > 1:
        middle = (low + high) // 2
        if _slope(value, minus, plus, kept, value[kept[middle]]) <= 0.0:
            low = middle
        else:
            high = middle
    best = max(value[kept[low]], _vertex(value, minus, plus, kept, low, value[kept[low]]))
    if high == len(kept):
        return best
    top = value[kept[high]]
    if best - value[kept[low]] > top - best:  # counted from the nearer end, the digits next to it are kept
        best = _vertex(value, minus, plus, kept, low, top)
    return min(best, top)


@numba.njit(cache=True, nogil=True)
def _vertex(value: Any, minus: Any, plus: Any, kept: Any, low: int, origin: float) -> Any:
    """Return the lowest point of the parabola of the segment above the value at place `low`, counted from `origin`."""
    total, moment = 0.0, 0.0
    for place in range(len(kept)):
        i = kept[place]
        side = plus[i] if place <= low else minus[i]
        total += 1.0 / (side * side)
        moment += (value[i] - origin) / (side * side)
    return origin + moment / total


@numba.njit(cache=True, nogil=True)
def _slope(value: Any, minus: Any, plus: Any, kept: Any, x: float) -> float:
    total = 0.0
    for i in kept:
        side = plus[i] if x >= value[i] else minus[i]
        total += (x - value[i]) / (side * side)
    return total


@numba.njit(cache=True, nogil=True)
def _height(value: Any, minus: Any, plus: Any, kept: Any, x: float) -> float:
    total = 0.0
    for i in kept:
        pull = (x - value[i]) / (plus[i] if x >= value[i] else minus[i])
        total += 0.5 * pull * pull
    return total


@numba.njit(cache=True, nogil=True)
def _crossing(value: Any, minus: Any, plus: Any, kept: Any, best: float, target: float, direction: int) -> Any:
    """Return where the sum reaches `target` above (direction 1) or below (-1) its minimum."""
    here = best
    knot = _next_knot(value, kept, here, direction)
    while np.isfinite(knot) and _height(value, minus, plus, kept, knot) < target:
        here = knot
        knot = _next_knot(value, kept, here, direction)
    # Beyond `here` the sum is one parabola until `knot`: height + slope d + curvature d^2 / 2.
    slope, curvature = 0.0, 0.0
    for i in kept:
        upper = value[i] < here or (value[i] == here and direction > 0)
        side = plus[i] if upper else minus[i]
        slope += direction * (here - value[i]) / (side * side)
        curvature += 1.0 / (side * side)
    slope = max(slope, 0.0)  # at the minimum it is zero, and rounding may leave it below
    short = RISE if here == best else max(target - _height(value, minus, plus, kept, here), 0.0)
    return here + direction * 2.0 * short / (np.sqrt(slope * slope + 2.0 * curvature * short) + slope)


@numba.njit(cache=True, nogil=True)
def _next_knot(value: Any, kept: Any, here: float, direction: int) -> float:
    nearest = direction * np.inf
    for i in kept:
        ahead = direction * (value[i] - here)
        if ahead > 0.0 and ahead < direction * (nearest - here):
            nearest = value[i]
    return nearest
