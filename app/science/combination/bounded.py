"""Measurements far from the rest pull no harder: the split-normal sum with straight tails.

Each measurement v adds r^2 / 2 with r = (x - v) / s as long as |r| <= k, and k |r| - k^2 / 2 beyond: the likelihood of
a Gaussian with a share of bad measurements, chosen so that the worst of them harms least (Huber 1964, Ann. Math. Stat.
35, 73; k = 2 for 0.8 %). The sum stays convex and piecewise quadratic, now with the knots v - k s-, v and v + k s+, so
that minimum and interval are found exactly on the segments again. Where two groups of measurements exclude each other
it may be flat at its minimum: the middle is taken, and the interval reaches over both.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

NEVER = np.inf
ROUNDING = 1e-12
"""Of the sum of all forces; what is left of it below counts as nothing."""


@numba.njit(cache=True, nogil=True)
def leaves(value: Any, minus: Any, plus: Any, kept: Any, low: float, high: float, far: float) -> Any:
    """Say whether a measurement lies farther than `far` errors from one of the ends of an interval.

    If none does, the sum with straight tails is the plain one from end to end.
    """
    farthest = 0.0
    for i in kept:
        farthest = max(farthest, (value[i] - low) / minus[i], (high - value[i]) / plus[i])
    return farthest > far


@numba.njit(cache=True, nogil=True)
def knots_of(value: Any, minus: Any, plus: Any, kept: Any, far: float, knots: Any) -> int:
    """Write the knots of a group into `knots`, rising, and return how many there are."""
    count = 0
    for i in kept:
        for knot in (value[i] - far * minus[i], value[i], value[i] + far * plus[i]):
            place = count
            while place > 0 and knots[place - 1] > knot:
                knots[place] = knots[place - 1]
                place -= 1
            knots[place] = knot
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def bounded_minimum(value: Any, minus: Any, plus: Any, kept: Any, far: float, knots: Any) -> Any:
    """Return where the sum is smallest, the middle of where it is.

    The slope rises from knot to knot: bisect for the last knot with a slope of at most zero and for the first with at
    least zero.
    """
    low, high = 0, len(knots)
    while high - low > 1:
        middle = (low + high) // 2
        if _slope(value, minus, plus, kept, far, knots[middle]) <= 0.0:
            low = middle
        else:
            high = middle
    first, last = -1, len(knots) - 1
    while last - first > 1:
        middle = (first + last) // 2
        if _slope(value, minus, plus, kept, far, knots[middle]) >= 0.0:
            last = middle
        else:
            first = middle
    if last <= low:
        return 0.5 * (knots[last] + knots[low])
    slope, curvature = _beyond(value, minus, plus, kept, far, knots[low], 1)
    if slope >= 0.0 or curvature == 0.0:
        return knots[low] if slope >= 0.0 else knots[last]
    best = min(knots[low] - slope / curvature, knots[last])
    if best - knots[low] <= knots[last] - best:
        return best
    slope, curvature = _beyond(value, minus, plus, kept, far, knots[last], -1)
    return max(knots[last] - slope / curvature, knots[low]) if slope > 0.0 and curvature > 0.0 else best


@numba.njit(cache=True, nogil=True)
def bounded_height(value: Any, minus: Any, plus: Any, kept: Any, far: float, x: float) -> float:
    """Return the sum at x."""
    total = 0.0
    for i in kept:
        pull = abs((x - value[i]) / (plus[i] if x >= value[i] else minus[i]))
        total += 0.5 * pull * pull if pull <= far else far * (pull - 0.5 * far)
    return total


@numba.njit(cache=True, nogil=True)
def bounded_crossing(
    value: Any, minus: Any, plus: Any, kept: Any, far: float, knots: Any, best: float, rise: float, direction: int
) -> Any:
    """Return where the sum has risen by `rise` above (direction 1) or below (-1) its minimum at `best`."""
    target = bounded_height(value, minus, plus, kept, far, best) + rise
    here, height, end = best, target - rise, direction * np.inf
    for step in range(len(knots)):
        knot = knots[step] if direction > 0 else knots[len(knots) - 1 - step]
        if direction * (knot - here) <= 0.0:
            continue
        reached = bounded_height(value, minus, plus, kept, far, knot)
        if reached >= target:
            end = knot
            break
        here, height = knot, reached
    slope, curvature = _beyond(value, minus, plus, kept, far, here, direction)
    slope = max(direction * slope, 0.0)  # at the minimum it is zero, and rounding may leave it below
    short = rise if here == best else max(target - height, 0.0)
    steepness = np.sqrt(slope * slope + 2.0 * curvature * short) + slope
    return here + direction * 2.0 * short / steepness if steepness > 0.0 else end


@numba.njit(cache=True, nogil=True)
def share(pull: float, far: float) -> float:
    """Return what is left of the weight of a measurement `pull` errors away: 1 up to `far`, then far / pull."""
    return 1.0 if pull <= far else far / pull


@numba.njit(cache=True, nogil=True)
def _slope(value: Any, minus: Any, plus: Any, kept: Any, far: float, x: float) -> float:
    total, forces = 0.0, 0.0
    for i in kept:
        side = plus[i] if x >= value[i] else minus[i]
        force = max(min((x - value[i]) / side, far), -far) / side
        total += force
        forces += abs(force)
    return total if abs(total) > ROUNDING * forces else 0.0


@numba.njit(cache=True, nogil=True)
def _beyond(value: Any, minus: Any, plus: Any, kept: Any, far: float, here: float, direction: int) -> Any:
    """Return slope and curvature of the segment that begins at a knot, upwards (direction 1) or downwards (-1)."""
    slope, curvature = 0.0, 0.0
    for i in kept:
        floor, ceiling = value[i] - far * minus[i], value[i] + far * plus[i]
        if here > ceiling or (here == ceiling and direction > 0):
            slope += far / plus[i]
        elif here < floor or (here == floor and direction < 0):
            slope -= far / minus[i]
        else:
            side = plus[i] if here > value[i] or (here == value[i] and direction > 0) else minus[i]
            slope += (here - value[i]) / (side * side)
            curvature += 1.0 / (side * side)
    return slope, curvature
