"""Star-level generalized least squares: surveys that saw the same stars, each with its own linear bias.

A spectrum of star i in survey s says x = t_i + f^T theta_s + e. The star's own t_i is either known to an error, or only
the surveys at hand saw it; in both cases it is eliminated from the normal equations, a small block for each star
(Helmert blocking; Golub, Manneback & Toint 1986), which leaves one small system for all theta at once:

    N = sum_i [sum_s w g g^T + k m m^T],  g = f - m,  m = sum_s w f / d,  d = k + sum_s w,

with k the precision at which t_i is known (0 where it is free). A free star thereby links surveys with each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse, stats

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import scatter

HUBER_SIGMAS = 1.5
ITERATIONS = 60
SETTLED = 1e-3
SINGULAR = 1e-9
"""Smallest eigenvalue, relative to the diagonal, that is told from zero."""

QUOTED_COUNTS = 4.0
"""Degrees of freedom that a survey's quoted errors are worth against the scatter of its residuals."""

_PHI = float(stats.norm.pdf(HUBER_SIGMAS))
_BEYOND = float(stats.norm.sf(HUBER_SIGMAS))
HUBER_CONSISTENCY = 1.0 - 2 * _BEYOND - 2 * HUBER_SIGMAS * _PHI + 2 * HUBER_SIGMAS**2 * _BEYOND
"""E[min(z^2, c^2)] of a standard normal z: makes the bounded sum of squares an estimate of the variance."""


@dataclass(frozen=True)
class StarSystem:
    """One parameter's observations.

    Attributes:
        star: place of the star, 0 to m - 1, (n,).
        survey: place of the survey, 0 to S - 1, (n,).
        design: f of each observation in the columns of its survey, zero elsewhere, (n, M).
        value: what was observed, less the star's known value where there is one, (n,).
        quoted: variance that the survey quotes, NaN where it quotes none, (n,).
        known: precision (inverse variance) at which the star's value is known, 0 where it is free, (m,).
        owner: the survey of each column, (M,).
        shrinkage: how many stars a coefficient of zero counts for, (M,).
        surveys: S.
    """

    star: Integers
    survey: Integers
    design: Floats
    value: Floats
    quoted: Floats
    known: Floats
    owner: Integers
    shrinkage: Floats
    surveys: int

    @cached_property
    def by_star(self) -> sparse.csr_array:
        """Sums observations by star, (m, n)."""
        n = len(self.star)
        return sparse.csr_array((np.ones(n), (self.star, np.arange(n))), shape=(len(self.known), n))

    def where(self, chosen: Booleans) -> StarSystem:
        """Return the system of the chosen observations (n,), with all stars and columns."""
        return replace(
            self,
            star=self.star[chosen],
            survey=self.survey[chosen],
            design=self.design[chosen],
            value=self.value[chosen],
            quoted=self.quoted[chosen],
        )

    def with_columns(self, used: Booleans) -> StarSystem:
        """Return the system with the columns `used` (M,) alone; the other coefficients are zero."""
        return replace(self, design=self.design[:, used], owner=self.owner[used], shrinkage=self.shrinkage[used])


@dataclass(frozen=True)
class Solution:
    """What a system says.

    Attributes:
        theta: the coefficients, (M,).
        covariance: of the coefficients, (M, M).
        residual: observed less fitted, the star's own value included, (n,).
        offset: the star's value, less its known one where there is one, (m,).
        variance: of each observation as it was used, (n,).
        weight: inverse variance times the robust weight, (n,).
        scale: factor on the quoted errors of each survey, (S,); never above one.
        extra: variance of each survey beyond the quoted one, (S,).
        to_known: how theta answers to a change of each star's known value, (M, m).
    """

    theta: Floats
    covariance: Floats
    residual: Floats
    offset: Floats
    variance: Floats
    weight: Floats
    scale: Floats
    extra: Floats
    to_known: Floats

    def variance_of(self, survey: int, quoted: Floats) -> Floats:
        """Return the variance of observations of a survey that quotes `quoted` (n,), NaN or 0 where it does not."""
        variance: Floats = self.scale[survey] ** 2 * np.nan_to_num(quoted) + self.extra[survey]
        return variance


@dataclass(frozen=True)
class LinearSolution:
    """What given weights say; attributes as in `Solution`, and sums by star that it is made from."""

    theta: Floats
    covariance: Floats
    residual: Floats
    offset: Floats
    leverage: Floats
    mean: Floats
    total: Floats


def solve(system: StarSystem, *, variance: Floats | None = None, robust: Floats | None = None) -> Solution:
    """Fit all coefficients at once by Huber's M-estimate, with error sizes learnt from the residuals.

    Iteratively reweighted least squares; each survey's variance is its quoted one, scaled down or with an extra term
    added, such that its standardized residuals have unit spread (Huber's proposal 2 with redundancies as weights,
    Foerstner 1979). Coefficients are shrunk towards zero where `shrinkage` says so (Hoerl & Kennard 1970).

    Args:
        system: the observations.
        variance: of the observations, (n,), where it is known already and not to be learnt.
        robust: weights to begin with, (n,); with known variances the result is that of any others, found sooner.

    Raises:
        ValueError: a survey has no path to a known star, so that its constant is free.

    >>> known = StarSystem(
    ...     star=np.array([0, 1, 0, 2]), survey=np.array([0, 0, 1, 1]), design=np.eye(2)[[0, 0, 1, 1]],
    ...     value=np.array([0.3, 0.3, 0.5, 0.5]), quoted=np.full(4, 0.01), known=np.array([0.0, 1e4, 0.0]),
    ...     owner=np.array([0, 1]), shrinkage=np.zeros(2), surveys=2,
    ... )
    >>> solve(known).theta.round(6).tolist()
    [0.3, 0.5]
    """
    quoted = _filled(system)
    known_sizes = variance is not None
    variance = _first_variance(system, quoted) if variance is None else variance
    robust = np.ones(len(variance)) if robust is None else robust
    scale, extra = np.ones(system.surveys), np.zeros(system.surveys)
    for _ in range(ITERATIONS):
        step = linear(system, robust / variance, _penalty(system, variance))
        spare = np.clip(1.0 - step.leverage, 0.0, 1.0)
        pull = np.abs(step.residual) / np.sqrt(variance * np.maximum(spare, 1e-9))
        before = robust / variance
        robust = np.where(spare > 1e-6, np.minimum(1.0, HUBER_SIGMAS / np.maximum(pull, 1e-12)), 1.0)
        if not known_sizes:
            scale, extra = _error_sizes(system, quoted, variance, pull, spare)
            variance = np.maximum(scale[system.survey] ** 2 * quoted + extra[system.survey], 1e-300)
        if np.abs(robust / variance / before - 1.0).max() < SETTLED:
            break
    weight = robust / variance
    step = linear(system, weight, _penalty(system, variance))
    to_known = -step.covariance @ (step.mean * system.known[:, None]).T
    return Solution(step.theta, step.covariance, step.residual, step.offset, variance, weight, scale, extra, to_known)


def linear(system: StarSystem, weight: Floats, penalty: Floats) -> LinearSolution:
    """Solve for given weights (n,) of the observations and a given ridge (M,).

    Raises:
        ValueError: some coefficient is tied to nothing.
    """
    by_star, star, design = system.by_star, system.star, system.design
    total = np.maximum(system.known + by_star @ weight, 1e-300)
    mean = (by_star @ (weight[:, None] * design)) / total[:, None]
    mean_value = (by_star @ (weight * system.value)) / total
    reduced = design - mean[star]
    known_mean = mean * system.known[:, None]
    normal = reduced.T @ (weight[:, None] * reduced) + mean.T @ known_mean + np.diag(penalty)
    right = reduced.T @ (weight * (system.value - mean_value[star])) + known_mean.T @ mean_value
    covariance = _inverse(normal)
    theta = covariance @ right
    offset = mean_value - mean @ theta
    leverage = weight / total[star] + weight * np.einsum("ij,ij->i", reduced @ covariance, reduced)
    return LinearSolution(
        theta, covariance, system.value - design @ theta - offset[star], offset, leverage, mean, total
    )


def _inverse(normal: Floats) -> Floats:
    """Return the inverse of a symmetric matrix.

    Raises:
        ValueError: it is singular: some coefficient is tied to nothing.
    """
    size = np.sqrt(np.maximum(np.diag(normal), 1e-300))
    values, vectors = np.linalg.eigh(normal / np.outer(size, size))
    if len(values) and values[0] < SINGULAR:
        raise ValueError("a survey has no path to a star of known value")
    return np.asarray((vectors / values) @ vectors.T / np.outer(size, size))


def _filled(system: StarSystem) -> Floats:
    """Return quoted variances, the survey's median where one is missing and 0 where the survey quotes none."""
    quoted = system.quoted.copy()
    for s in range(system.surveys):
        mine = system.survey == s
        missing = mine & ~np.isfinite(quoted)
        there = mine & np.isfinite(system.quoted)
        quoted[missing] = np.median(system.quoted[there]) if there.any() else 0.0
    return quoted


def _first_variance(system: StarSystem, quoted: Floats) -> Floats:
    """Return variances to begin with: quoted ones, else the scatter about known stars, else that of everything."""
    variance = quoted.copy()
    whole = max(scatter(system.value[system.known[system.star] > 0]) ** 2, 1e-12) if (system.known > 0).any() else 1.0
    for s in range(system.surveys):
        mine = system.survey == s
        if not mine.any() or (quoted[mine] > 0).any():
            continue
        spread = scatter(system.value[mine & (system.known[system.star] > 0)]) ** 2
        variance[mine] = spread if spread > 0 else whole
    positive: Floats = np.maximum(variance, 1e-12 * max(variance.max(), 1e-12))
    return positive


def _penalty(system: StarSystem, variance: Floats) -> Floats:
    """Return the ridge (M,): `shrinkage` stars of the survey's typical variance."""
    counts = np.maximum(np.bincount(system.survey, minlength=system.surveys), 1)
    typical = np.bincount(system.survey, variance, minlength=system.surveys) / counts
    return system.shrinkage / np.maximum(typical, 1e-300)[system.owner]


def _error_sizes(
    system: StarSystem, quoted: Floats, variance: Floats, pull: Floats, spare: Floats
) -> tuple[Floats, Floats]:
    """Return the factor on quoted errors and the extra variance of each survey, (S,) each."""
    size = system.surveys
    redundancy = np.bincount(system.survey, spare, minlength=size)
    bounded = spare * np.minimum(pull, HUBER_SIGMAS) ** 2 / HUBER_CONSISTENCY
    counts = np.maximum(np.bincount(system.survey, minlength=size), 1)
    mean_quoted = np.bincount(system.survey, quoted, minlength=size) / counts
    mean_used = np.bincount(system.survey, variance, minlength=size) / counts
    worth = np.where(mean_quoted > 0, QUOTED_COUNTS, 1e-3)
    expected = np.where(mean_quoted > 0, mean_quoted, mean_used)
    found = np.bincount(system.survey, bounded, minlength=size) * mean_used
    target = (worth * expected + found) / (worth + redundancy)
    scale = np.where(mean_quoted > 0, np.sqrt(np.minimum(1.0, target / np.maximum(mean_quoted, 1e-300))), 1.0)
    return scale, np.maximum(target - mean_quoted, 0.0)
