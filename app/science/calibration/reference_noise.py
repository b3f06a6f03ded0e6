"""The reference's own noise, taken out of the regressor: regression calibration by added noise.

A forward model looks at the reference's values as if they were the star's. They are noisy, and the regression of a
survey on a noisy abscissa is too flat where the noise is not small against the spread of the stars: across a thin main
sequence it is, however precise the reference. The cure is to look at E[t | what was observed] instead (regression
calibration: Carroll, Ruppert, Stefanski & Crainiceanu 2006, chapter 4), whose error does not depend on the abscissa
(Berkson 1950). That expectation needs no model of the population: add noise u of the reference's own size to its value
n + t, learn E[u | t + n + u], which is known for every draw; as n and u are alike, E[t | t + n + u] is the noisy value
less twice that ("noisier to noise": Moran et al. 2020, arXiv:1910.11908).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xgboost

from app.science.arrays import Floats, Integers
from app.science.calibration.links import Links, folds_of

FEWEST_STARS = 1500
"""Below this, what is learnt of the population is noisier than what it corrects (docs/science.md)."""
DRAWS = 6
_TREES = {
    "objective": "reg:squarederror",
    "multi_strategy": "multi_output_tree",
    "tree_method": "hist",
    "max_depth": 4,
    "learning_rate": 0.1,
    "min_child_weight": 400.0,
    "nthread": 1,
}


def without_reference_noise(links: Links, *, seed: int) -> Links:
    """Return links whose reference is E[t | observed], and its error the spread of t about that.

    The same links are returned where the stars are too few to learn their population from. Reference errors must be
    known; every star is treated by what was learnt from the other half of the stars.
    """
    if links.stars < FEWEST_STARS:
        return links
    _, first = np.unique(links.star, return_index=True)
    place = np.searchsorted(links.star[first], links.star)
    folds = folds_of(links.star[first], 2)
    value, error = expected_truth(
        links.reference[first], links.reference_error[first], folds, rng=np.random.default_rng(seed)
    )
    return replace(links, reference=value[place], reference_error=error[place])


def expected_truth(
    observed: Floats, error: Floats, folds: Integers, *, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return E[t | observed + noise] and the standard deviation of t about it, each (n, 3).

    Args:
        observed: t + n, (n, 3).
        error: standard deviation of n, positive, (n, 3).
        folds: 0 or 1; each half is treated by what the other half teaches, (n,).
        rng: generator of the added noise.

    >>> rng = np.random.default_rng(1)
    >>> truth, noise = rng.normal(size=(4000, 3)), np.ones((4000, 3))
    >>> value, _ = expected_truth(truth + rng.normal(size=truth.shape), noise, np.arange(4000) % 2, rng=rng)
    >>> abs(np.polyfit(value[:, 0], truth[:, 0] - value[:, 0], 1)[0]) < 0.15  # the noisy abscissa has a slope of -0.5
    np.True_
    """
    drawn = rng.standard_normal(observed.shape)
    noisier = observed + error * drawn
    value, spread = np.empty_like(observed), np.empty_like(observed)
    for fold in (0, 1):
        taught, treated = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        rows = np.repeat(taught, DRAWS)
        added = rng.standard_normal((len(rows), observed.shape[1]))
        at = noisier[treated]
        expected = _regress(observed[rows] + error[rows] * added, added)(at)
        value[treated] = at - 2.0 * error[treated] * expected
        # Var(t | t + n + u) is that of n + u, whose half is u less an independent part of half the variance of n.
        missed = np.square(drawn[treated] - expected)
        excess = _regress(at, missed, rounds=40)(at) - 0.5
        spread[treated] = error[treated] * np.sqrt(np.clip(4.0 * excess, 0.1, 2.0))
    return value, spread


def _regress(seen: Floats, target: Floats, *, rounds: int = 200) -> Callable[[Floats], Floats]:
    """Return the least-squares regression of `target` (n, p) on `seen` (n, k), to be called at other positions."""
    booster = xgboost.train(_TREES, _matrix(seen, target), num_boost_round=rounds)
    return lambda at: np.asarray(booster.predict(_matrix(at)), dtype=np.float64)


def _matrix(seen: Floats, target: Floats | None = None) -> xgboost.DMatrix:
    return xgboost.DMatrix(seen.astype(np.float32), label=target, nthread=1)
