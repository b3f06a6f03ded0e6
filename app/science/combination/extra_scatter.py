"""Scatter between surveys beyond their stated errors, one number a survey, from the stars that two of them saw.

The calibrated values t of a star by surveys a and b differ by more or less than their errors say:

    Var(t_a - t_b) = s_a^2 + s_b^2 + x_a + x_b.

Per pair, x_a + x_b is the quantile of (d - median d)^2 - s_a^2 - s_b^2 below which 68.27 % of stars lie: 68 % intervals
that hold what they promise have zero, whatever the tails, and a third of the stars may be outliers. The pairs form a
graph; where it has a triangle the surveys' own x follow by least squares, weighed by the errors of the pairs. A pair
alone says nothing about who is to blame: a weak prior, x_s = 0 +- s_s^2, puts nearly all of it on the less precise one,
and keeps small samples near zero. Per-star factors (Birge) are noise for two or three surveys; this is not.

tau^2 = x >= 0 (non-negative least squares) is added to errors, drawn towards zero as (1 - 4 sigma^2 / x^2), sigma being
the error of x while the other surveys stay as they are: calibrated errors hold what they promise on the conformal stars
already, so that a fluctuation of two sigma must not widen them, and the bound at zero would let only fluctuations
upwards through. Errors may also be too large: the factors F_s of

    Var(t_a - t_b) = F_a^2 s_a^2 + F_b^2 s_b^2

are found in the same way, reported, and never applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from app.science.arrays import Floats

INSIDE = 0.6826894921370859
DENSITY_AT_ONE = 0.24197072451914337
"""Of chi squared with one degree of freedom: how fast stars enter the interval as it is widened."""
FEWEST_STARS = 10
PASSES = 3
SMALLEST_RATIO = 0.01
BELIEVED = 2.0
"""Standard errors that an extra variance must exceed."""


@dataclass(frozen=True)
class Excess:
    """What the scatter of one pair of surveys has beyond the stated errors.

    Attributes:
        first: place of a survey.
        second: place of the other.
        stars: how many they have in common.
        variance: x_a + x_b, may be negative.
        error: its standard error.
        ratio: true over stated variance of the difference.
        ratio_error: its standard error.
        typical: median variance that the first and the second survey state.
    """

    first: int
    second: int
    stars: int
    variance: float
    error: float
    ratio: float
    ratio_error: float
    typical: tuple[float, float]


@dataclass(frozen=True)
class ExtraScatter:
    """Per survey, (S,).

    Attributes:
        scatter: tau, to be added in quadrature.
        variance_error: standard error of tau^2, NaN where no pair says anything.
        factor: true over stated error, below 1 where the stated ones are too large, NaN where no pair says anything.
    """

    scatter: Floats
    variance_error: Floats
    factor: Floats


def excess_of(first: int, second: int, difference: Floats, variance_a: Floats, variance_b: Floats) -> Excess | None:
    """Return the excess of a pair, None for fewer than ten stars.

    Args:
        first: place of the survey a.
        second: place of the survey b.
        difference: t_a - t_b of each star, (n,).
        variance_a: s_a^2, (n,).
        variance_b: s_b^2, (n,).

    >>> rng = np.random.default_rng(1)
    >>> ones = np.ones(20_000)
    >>> found = excess_of(0, 1, rng.normal(scale=np.sqrt(2 + 0.5), size=20_000), ones, ones)
    >>> abs(found.variance - 0.5) < 3 * found.error
    True
    """
    stated = variance_a + variance_b
    known = np.isfinite(difference) & np.isfinite(stated) & (stated > 0)
    if known.sum() < FEWEST_STARS:
        return None
    square, stated = np.square(difference[known] - np.median(difference[known])), stated[known]
    excess = 0.0
    for _ in range(PASSES):  # a star weighs what it tells: the inverse of its whole variance
        weight = 1.0 / np.maximum(stated + excess, 0.1 * stated)
        excess = _weighted_quantile(square - stated, weight, INSIDE)
    whole = np.maximum(stated + excess, 0.1 * stated)
    spread = np.sqrt(INSIDE * (1 - INSIDE) * np.sum(weight**2)) / (DENSITY_AT_ONE * np.sum(weight / whole))
    typical = float(np.median(variance_a[known])), float(np.median(variance_b[known]))
    ratio = max(float(np.quantile(square / stated, INSIDE)), SMALLEST_RATIO)
    ratio_error = ratio * float(np.sqrt(INSIDE * (1 - INSIDE) / len(square))) / DENSITY_AT_ONE
    return Excess(first, second, len(square), excess, float(spread), ratio, ratio_error, typical)


def solve(pairs: Sequence[Excess], surveys: int) -> ExtraScatter:
    """Share the excesses of all pairs of one parameter among `surveys` surveys.

    >>> rest = (0.01, 1.0, 0.01, (1.0, 1.0))
    >>> triangle = [Excess(0, 1, 1000, 0.5, *rest), Excess(0, 2, 1000, 0.0, *rest), Excess(1, 2, 1000, 0.5, *rest)]
    >>> solve(triangle, 3).scatter.round(2).tolist()
    [0.0, 0.71, 0.0]
    """
    prior = _prior(pairs, surveys)
    known = np.isfinite(prior)
    design, target = _equations(pairs, np.ones((len(pairs), 2)), [(pair.variance, pair.error) for pair in pairs], prior)
    variance_error = np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    alone = 1.0 / np.sqrt(np.square(design).sum(axis=0))
    scatter = np.where(known, np.sqrt(_drawn_to_zero(nnls(design, target)[0], alone)), 0.0)
    typical = np.array([pair.typical for pair in pairs]).reshape(-1, 2)
    weights = typical / typical.sum(axis=1, keepdims=True)
    design, target = _equations(
        pairs, weights, [(pair.ratio - 1.0, pair.ratio_error) for pair in pairs], 0 * prior + 1.0
    )
    factor = np.sqrt(np.maximum(1.0 + np.linalg.lstsq(design, target, rcond=None)[0], 0.0))
    return ExtraScatter(scatter, np.where(known, variance_error, np.nan), np.where(known, factor, np.nan))


def _equations(
    pairs: Sequence[Excess], weights: Floats, measured: Sequence[tuple[float, float]], prior: Floats
) -> tuple[Floats, Floats]:
    """Return the least squares of all pairs, then the prior of each survey, every row divided by its error."""
    surveys = len(prior)
    design, target = np.zeros((len(pairs) + surveys, surveys)), np.zeros(len(pairs) + surveys)
    for row, (pair, (value, error)) in enumerate(zip(pairs, measured, strict=True)):
        design[row, [pair.first, pair.second]] = weights[row] / error
        target[row] = value / error
    places = np.arange(surveys)
    design[len(pairs) + places, places] = 1.0 / np.where(np.isfinite(prior), prior, 1.0)
    return design, target


def _drawn_to_zero(variance: Floats, error: Floats) -> Floats:
    significant = variance > BELIEVED * error
    ratio = BELIEVED * error / np.where(significant, variance, 1.0)
    return np.where(significant, variance * (1.0 - np.square(ratio)), 0.0)


def _prior(pairs: Sequence[Excess], surveys: int) -> Floats:
    """Return the variance that each survey typically states, by its largest pair, NaN where it has none, (S,)."""
    prior, largest = np.full(surveys, np.nan), np.zeros(surveys)
    for pair in pairs:
        for place, typical in zip((pair.first, pair.second), pair.typical, strict=True):
            if pair.stars > largest[place]:
                prior[place], largest[place] = typical, pair.stars
    return prior


def _weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    order = np.argsort(values)
    passed = np.cumsum(weight[order])
    middle = (passed - 0.5 * weight[order]) / passed[-1]
    return float(np.interp(share, middle, values[order]))
