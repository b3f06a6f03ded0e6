"""A survey's errors carried through the inversion by Monte Carlo: what they make of the star's parameters.

A star that reports x = t + b(t) + e could be any t_k with t_k + b(t_k) = x - e_k, e_k drawn from the survey's errors
given the star. Where b is straight over the error that is t - J^-1 e_k with J = I + db/dt, and the errors of t follow
in closed form; where it bends, each draw is solved, starting from the straight answer. Six probes, one error up and
down along each independent direction, decide which it is for a star. Draws belong to the measurement
(`app/science/uncertainty/sampling.py`): the same star gets the same interval in any chunk.

The noise of a finite number of draws is taken out by the same draws carried through the straight answer, whose interval
is known (a control variate): a star whose b is straight gets the closed form exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.grid import BiasGrid
from app.science.calibration.inversion import (
    SHORTEST_REACH,
    SMALLEST_DETERMINANT,
    TOLERANCE,
    _inverse,
    _spread,
)
from app.science.calibration.star_grid import bias_at, blend_of, rest_of, slopes_over
from app.science.uncertainty.sampling import draw_normals, key_of, net

DRAWS = 32
STRAIGHT = 0.2
"""A bias whose bend moves no probe by more than this share of the error is straight."""
STEPS = 20
LARGEST_STEP = 3.0
"""Of a draw on its way, in errors."""
SETTLED = 0.02
"""A draw has settled when its last step was this share of the error."""
LOST = 0.05
"""Share of a star's draws that may fail to settle."""
LEAST_RATIO = 0.1
"""Of an interval's half to the straight answer's: none is called zero."""


@dataclass(frozen=True)
class Propagated:
    """What a survey's errors are in terms of the star's parameters.

    Attributes:
        minus: distance from the value down to the 16 % point of the draws, (n, 3).
        plus: distance up to the 84 % point, (n, 3).
        rho: correlations (Teff, log g), (Teff, [Fe/H]), (log g, [Fe/H]), (n, 3).
        settled: False where a value or error is missing, or where more than one draw in twenty did not find its
            place, so that the straight answer stands, (n,).
        bent: where the draws were solved one by one, (n,).
    """

    minus: Floats
    plus: Floats
    rho: Floats
    settled: Booleans
    bent: Booleans


def propagate(
    grid: BiasGrid,
    value: Floats,
    nuisance: Floats,
    below: Floats,
    above: Floats,
    correlation: Floats,
    *,
    seed: int,
    number: Integers,
    draws: int = DRAWS,
    straight: float = STRAIGHT,
) -> Propagated:
    """Carry errors of the reported values over to the values that were solved from them.

    Args:
        grid: the tabulated quantiles of the bias.
        value: Teff (K), log g, [Fe/H] of the star, solved from the reported values, (n, 3).
        nuisance: log S/N and magnitude inside the training range, (n, 2); zeros for features the survey lacks.
        below: distance from the survey's median report of such a star down to its 16 % point, (n, 3).
        above: distance up to the 84 % point, (n, 3).
        correlation: of the survey's errors, positive definite, (3, 3).
        seed: of the whole run.
        number: of the measurements, (n,).
        draws: how many, a power of two.
        straight: bend, as a share of the error, below which the closed form is taken; 0 solves every draw of every
            star, infinity none.

    Raises:
        ValueError: the number of draws is no power of two, or the correlation is not positive definite.
    """
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError as problem:
        raise ValueError("correlation: is not positive definite; repair it before errors are drawn") from problem
    median = (grid.axes, grid.sizes, np.ascontiguousarray(grid.values[:, 1::3]))
    errors = (np.ascontiguousarray(below), np.ascontiguousarray(above), correlation, np.ascontiguousarray(root))
    keys = (np.uint64(seed), np.ascontiguousarray(number, np.int64).view(np.uint64), net(draws))
    stars = (np.ascontiguousarray(value), np.ascontiguousarray(nuisance))
    return Propagated(*_propagate(median, stars, errors, keys, straight, TOLERANCE))


@numba.njit(cache=True, nogil=True)
def _error(z: Any, root: Any, below: Any, above: Any, error: Any) -> None:
    """Write the errors (3,) of independent normals z (3,): correlated, each half as wide as it should be."""
    for p in range(3):
        total = 0.0
        for q in range(p + 1):
            total += root[p, q] * z[q]
        error[p] = total * (above[p] if total > 0.0 else below[p])


@numba.njit(cache=True, nogil=True)
def _straight(inverse: Any, error: Any, shift: Any) -> None:
    """Write -J^-1 e into `shift`."""
    for p in range(3):
        shift[p] = -(inverse[p, 0] * error[0] + inverse[p, 1] * error[1] + inverse[p, 2] * error[2])


@numba.njit(cache=True, nogil=True)
def _step(inverse: Any, rest: Any, width: Any, step: Any) -> Any:
    """Write the step that `rest` asks for, three errors at most; return its size in errors `width` (3,)."""
    size = 0.0
    for p in range(3):
        step[p] = inverse[p, 0] * rest[0] + inverse[p, 1] * rest[1] + inverse[p, 2] * rest[2]
        size = max(size, abs(step[p]) / width[p])
    if size > LARGEST_STEP:
        for p in range(3):
            step[p] *= LARGEST_STEP / size
    return size


@numba.njit(cache=True, nogil=True)
def _learn(inverse: Any, step: Any, change: Any, width: Any) -> None:
    """Correct `inverse` (3, 3) by what a step changed (Broyden 1965), in units of the error."""
    guess, along, total = np.empty(3), np.zeros(3), 0.0
    for p in range(3):
        guess[p] = inverse[p, 0] * change[0] + inverse[p, 1] * change[1] + inverse[p, 2] * change[2]
        weight = step[p] / (width[p] * width[p])
        total += weight * guess[p]
        for q in range(3):
            along[q] += weight * inverse[p, q]
    if total > 0.0:
        for p in range(3):
            for q in range(3):
                inverse[p, q] += (step[p] - guess[p]) * along[q] / total


@numba.njit(cache=True, nogil=True)
def _bend(median: Any, value: Any, target: Any, errors: Any, inverse: Any, width: Any, blend: Any) -> Any:
    """Return how far, in errors, the straight answer misses one error up or down in any independent direction."""
    below, above, root = errors
    z, error, step = np.zeros(3), np.empty(3), np.empty(3)
    at, wanted, rest = np.empty(3), np.empty(3), np.empty(3)
    worst = 0.0
    for q in range(3):
        for sign in (-1.0, 1.0):
            z[:] = 0.0
            z[q] = sign
            _error(z, root, below, above, error)
            _straight(inverse, error, step)
            for p in range(3):
                at[p] = value[p] + step[p]
                wanted[p] = target[p] - error[p]
            rest_of(median, at, wanted, blend, rest)
            worst = max(worst, _step(inverse, rest, width, step))
    return worst


@numba.njit(cache=True, nogil=True)
def _solve(median: Any, at: Any, wanted: Any, inverse: Any, width: Any, blend: Any) -> bool:
    """Move `at` to where t + b(t) = wanted; return whether it got there. The `inverse` slopes are overwritten."""
    rest, step, change = np.empty(3), np.empty(3), np.empty(3)
    rest_of(median, at, wanted, blend, rest)
    for _ in range(STEPS):
        size = _step(inverse, rest, width, step)
        for p in range(3):
            at[p] += step[p]
            change[p] = rest[p]
        if size < SETTLED:
            return True
        rest_of(median, at, wanted, blend, rest)
        for p in range(3):
            change[p] -= rest[p]
        _learn(inverse, step, change, width)
    return False


@numba.njit(cache=True, nogil=True)
def _ends(draws: Any) -> tuple[Any, Any]:
    """Return the 16 and 84 % points of values (k,), which are sorted here: draw i stands for (i + 1/2) / k."""
    draws.sort()
    n = len(draws)
    place = 0.16 * n - 0.5
    low = int(np.floor(place))
    part = place - low
    return (
        (1.0 - part) * draws[low] + part * draws[low + 1],
        (1.0 - part) * draws[n - 1 - low] + part * draws[n - 2 - low],
    )


@numba.njit(cache=True, nogil=True)
def _covariance(inverse: Any, correlation: Any, below: Any, above: Any, out: Any) -> None:
    """Write the straight answer's covariance (3, 3), of the mean half widths."""
    for p in range(3):
        for q in range(3):
            total = 0.0
            for i in range(3):
                for j in range(3):
                    size = 0.25 * (below[i] + above[i]) * (below[j] + above[j])
                    total += inverse[p, i] * correlation[i, j] * size * inverse[q, j]
            out[p, q] = total


@numba.njit(cache=True, nogil=True)
def _rho(covariance: Any, out: Any) -> None:
    pair = 0
    for p in range(3):
        for q in range(p + 1, 3):
            out[pair] = covariance[p, q] / np.sqrt(covariance[p, p] * covariance[q, q])
            pair += 1


@numba.njit(cache=True, nogil=True)
def _spread_of(draws: Any, out: Any) -> None:
    """Write the covariance (3, 3) of draws (3, k)."""
    k = draws.shape[1]
    for p in range(3):
        for q in range(3):
            total, first, second = 0.0, 0.0, 0.0
            for i in range(k):
                total += draws[p, i] * draws[q, i]
                first += draws[p, i]
                second += draws[q, i]
            out[p, q] = (total - first * second / k) / k


@numba.njit(cache=True, nogil=True)
def _carry(median: Any, value: Any, target: Any, errors: Any, shape: Any, keys: Any, plain: Any, solved: Any) -> int:
    """Write the draws' ways from `value`, straight and solved (3, k); return how many did not find their place."""
    below, above, root = errors
    inverse, width, blend = shape
    key, base = keys
    z, error, shift, wanted = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    at, slopes = np.empty(3), np.empty((3, 3))
    lost = 0
    for draw in range(len(base)):
        draw_normals(key, base, draw, z)
        _error(z, root, below, above, error)
        _straight(inverse, error, shift)
        for p in range(3):
            at[p] = value[p] + shift[p]
            wanted[p] = target[p] - error[p]
            plain[p, draw] = shift[p]
            for q in range(3):
                slopes[p, q] = inverse[p, q]
        lost += not _solve(median, at, wanted, slopes, width, blend)
        for p in range(3):
            solved[p, draw] = at[p] - value[p]
    return lost


@numba.njit(cache=True, nogil=True)
def _linear(median: Any, value: Any, errors: Any, correlation: Any, blend: Any, tolerance: Any, inverse: Any) -> Any:
    """Write the inverse of I + db/dt over the error; return the straight answer: half widths (3,) and covariance."""
    below, above, _ = errors
    reach, slope, covariance = np.empty(3), np.empty((3, 3)), np.empty((3, 3))
    minus, plus = np.empty(3), np.empty(3)
    for p in range(3):
        reach[p] = max(0.5 * (below[p] + above[p]), SHORTEST_REACH * tolerance[p])
    slopes_over(median, value, reach, blend, slope)
    if _inverse(slope, inverse) < SMALLEST_DETERMINANT:
        inverse[:] = np.eye(3)
    _covariance(inverse, correlation, below, above, covariance)
    for p in range(3):
        minus[p] = _spread(inverse, correlation, below, above, p, False)
        plus[p] = _spread(inverse, correlation, below, above, p, True)
    return minus, plus, covariance


@numba.njit(cache=True, nogil=True)
def _propagate(median: Any, stars: Any, errors: Any, keys: Any, straight: float, tolerance: Any) -> Any:
    value, nuisance = stars
    below, above, correlation, root = errors
    seed, number, base = keys
    n, k = value.shape[0], base.shape[0]
    minus, plus, rho = np.empty((n, 3)), np.empty((n, 3)), np.empty((n, 3))
    settled, bent = np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    offset, share, target = np.empty(4, np.int64), np.empty(4), np.empty(3)
    inverse, plain, solved = np.eye(3), np.empty((3, k)), np.empty((3, k))
    for star in range(n):
        own = (below[star], above[star], root)
        blend = (offset, share, blend_of(median, nuisance[star], offset, share))
        bias_at(median, value[star], blend, target)
        target += value[star]
        down, up, covariance = _linear(median, value[star], own, correlation, blend, tolerance, inverse)
        minus[star], plus[star], width = down, up, 0.5 * (down + up)
        _rho(covariance, rho[star])
        settled[star] = np.isfinite(width.sum())
        bent[star] = settled[star] and _bend(median, value[star], target, own, inverse, width, blend) >= straight
        if not bent[star]:
            continue
        shape, key = (inverse, width, blend), (key_of(seed, number[star]), base)
        lost = _carry(median, value[star], target, own, shape, key, plain, solved)
        settled[star] = lost <= LOST * k
        if settled[star]:
            _spread_of(solved, covariance)
            _rho(covariance, rho[star])
            for p in range(3):
                low, high = _ends(solved[p])
                plain_low, plain_high = _ends(plain[p])
                minus[star, p] *= max(low / plain_low, LEAST_RATIO)
                plus[star, p] *= max(high / plain_high, LEAST_RATIO)
    return minus, plus, rho, settled, bent
