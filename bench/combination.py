"""Combination of measurements against scipy's minimizer, star by star, on the same stars; and all that goes with it."""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from app.science.combination.common_error import SharedErrors
from app.science.combination.split_normal import combine
from app.science.combination.stars import Contributions, homogenize

SURVEYS = 6
SCIPY_STARS = 500
FAR = 2.0
"""Errors beyond which a measurement pulls no harder, as in the default plan."""


def measure(url: str, rows: int = 1_000_000) -> list[tuple[str, float, str]]:
    """Return stars/s of `combine` for `rows` stars of six surveys, of scipy for 500, and their largest difference.

    The same with the pull of far measurements bounded, which a third of such stars have.

    Then the whole of a star: three parameters, zero points, extra scatter and repeats, chi2, flags and correlation.
    """
    del url  # nothing of this happens in the database
    rng = np.random.default_rng(1)
    value = rng.normal(size=rows * SURVEYS)
    minus, plus = rng.uniform(0.3, 2, value.size), rng.uniform(0.3, 2, value.size)
    starts = np.arange(rows + 1) * SURVEYS
    combine(value[:SURVEYS], minus[:SURVEYS], plus[:SURVEYS], starts[:2])  # compiled before the clock starts
    started = time.perf_counter()
    combined = combine(value, minus, plus, starts)
    ours = rows / (time.perf_counter() - started)
    started = time.perf_counter()
    combine(value, minus, plus, starts, linear_beyond=FAR)
    bounded = rows / (time.perf_counter() - started)
    started = time.perf_counter()
    checked = np.array(
        [_scipy(*(part[k * SURVEYS : (k + 1) * SURVEYS] for part in (value, minus, plus))) for k in range(SCIPY_STARS)]
    )
    theirs = SCIPY_STARS / (time.perf_counter() - started)
    found = np.stack([combined.value, combined.minus, combined.plus], axis=1)[:SCIPY_STARS]
    return [
        ("combination, exact scan", ours, "stars/s"),
        ("combination, exact scan, far measurements bounded", bounded, "stars/s"),
        ("combination, scipy star by star", theirs, "stars/s"),
        ("combination, times scipy (aim 500)", ours / theirs, "x"),
        ("combination, largest difference to scipy", float(np.abs(found - checked).max()), "sigma"),
        ("combination, whole stars: 3 parameters, shared errors, correlation", _whole(rows, rng), "stars/s"),
    ]


def _whole(rows: int, rng: np.random.Generator) -> float:
    """Return stars/s of `homogenize` with everything that it can take into account."""
    factor = rng.normal(0, 0.1, size=(3, SURVEYS, SURVEYS))
    shared = SharedErrors(factor @ factor.transpose(0, 2, 1), np.full((3, SURVEYS), 0.1), np.full((3, SURVEYS), 0.2))
    plan = {"refuse_outside": True, "widen_factor": 2.0, "linear_beyond": FAR}
    homogenize(_contributions(10, rng), shared, **plan)  # compiled before the clock
    given = _contributions(rows, rng)
    started = time.perf_counter()
    homogenize(given, shared, **plan)
    return rows / (time.perf_counter() - started)


def _contributions(rows: int, rng: np.random.Generator) -> Contributions:
    m = rows * SURVEYS
    return Contributions(
        starts=np.arange(rows + 1) * SURVEYS,
        survey=np.tile(np.array([0, 1, 2, 3, 4, 4]), rows),
        value=rng.normal(size=(m, 3)),
        minus=rng.uniform(0.3, 2, (m, 3)),
        plus=rng.uniform(0.3, 2, (m, 3)),
        rho=rng.uniform(-0.5, 0.5, (m, 3)),
        used=np.ones((m, 3), dtype=bool),
        in_domain=rng.random((m, 3)) > 0.05,
        ambiguous=np.zeros(m, dtype=bool),
    )


def _scipy(value: np.ndarray, minus: np.ndarray, plus: np.ndarray) -> tuple[float, float, float]:
    def height(x: float) -> float:
        return float(np.sum(0.5 * ((x - value) / np.where(x >= value, plus, minus)) ** 2))

    best = minimize_scalar(height, bracket=(value.min(), value.max()), tol=1e-10)
    target = best.fun + 0.5
    lower = brentq(lambda x: height(x) - target, best.x - 20, best.x)
    upper = brentq(lambda x: height(x) - target, best.x, best.x + 20)
    return best.x, best.x - lower, upper - best.x
