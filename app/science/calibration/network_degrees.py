"""How far each weak survey's bias may bend: constant or sloped, by cross-validation over stars.

A star is left out of the fit of every survey at once; each of its spectra is then predicted from the star's known value
and its other spectra. The simpler degree is kept unless the richer one's loss is smaller by more than one standard
error of the paired difference over stars (Hastie et al. 2009, section 7.10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.calibration.network_gls import Solution, StarSystem, solve

CONSTANT, STELLAR, FULL = 0, 1, 2
"""What a bias may depend on: nothing; Teff, log g and [Fe/H]; these and the survey's nuisance features."""
LEVELS = ("constant", "linear in Teff, log g and [Fe/H]", "linear in all features")
STARS_PER_COEFFICIENT = 4


@dataclass(frozen=True)
class Degrees:
    """The chosen level of each survey, (S,), and the held-out loss of each level, (levels, S), NaN if not tried."""

    level: Integers
    loss: Floats


def richest_level(stars: int, features: int) -> int:
    """Return the richest level that `stars` links can carry for a survey with `features` features in all.

    >>> [richest_level(stars, 4) for stars in (10, 17, 25)]
    [0, 1, 2]
    """
    if features > 3 and stars >= STARS_PER_COEFFICIENT * (1 + features):
        return FULL
    return STELLAR if stars >= STARS_PER_COEFFICIENT * 4 else CONSTANT


def choose_degrees(full: StarSystem, level_of: Integers, richest: Integers, folds: Integers) -> Degrees:
    """Choose the level of each survey.

    Args:
        full: the system with the columns of all levels.
        level_of: the lowest level that has each column, (M,).
        richest: the richest level that each survey may have, (S,).
        folds: fold of each star, (m,).
    """
    tried = range(int(richest.max()) + 1)
    variance = solve(full.with_columns(level_of == CONSTANT)).variance
    allowed_columns = [level_of <= np.minimum(richest, level)[full.owner] for level in tried]
    losses = np.array([_held_out_loss(full.with_columns(used), variance, folds) for used in allowed_columns])
    chosen, means = np.zeros(full.surveys, dtype=np.int64), np.full((len(tried), full.surveys), np.nan)
    for s in range(full.surveys):
        mine = (full.survey == s) & np.isfinite(losses).all(axis=0)
        allowed = range(int(richest[s]) + 1)
        if not mine.any():
            continue
        means[: len(allowed), s] = losses[: len(allowed), mine].mean(axis=1)
        best = int(np.argmin(means[: len(allowed), s]))
        chosen[s] = next(level for level in allowed if _as_good(losses[level, mine], losses[best, mine]))
    return Degrees(chosen, means)


def left_out(system: StarSystem, folds: Integers, variance: Floats) -> tuple[Floats, Floats]:
    """Predict every observation without its star and return residual and its standard error, (n,) each.

    The coefficients come from the other folds; the star's value from what is known of it and its other spectra. NaN
    where neither says anything. `variance` (n,) of the observations is that of the whole fit.
    """
    residual, error = np.full(len(system.star), np.nan), np.full(len(system.star), np.nan)
    fold_of = folds[system.star]
    for fold in np.unique(fold_of):
        inside = fold_of == fold
        try:
            solution = solve(system.where(~inside), variance=variance[~inside])
        except ValueError:  # without these stars a survey has no path: its stars cannot be judged
            continue
        residual[inside], error[inside] = _from_the_rest(system.where(inside), solution, variance[inside])
    return residual, error


def _from_the_rest(system: StarSystem, solution: Solution, variance: Floats) -> tuple[Floats, Floats]:
    bias = system.design @ solution.theta
    weight = 1.0 / variance
    others = (system.known + system.by_star @ weight)[system.star] - weight
    usable = others > 1e-9 * weight
    moment = (system.by_star @ (weight * (system.value - bias)))[system.star] - weight * (system.value - bias)
    others = np.where(usable, others, np.nan)
    model = np.einsum("ij,ij->i", system.design @ solution.covariance, system.design)
    return system.value - bias - moment / others, np.sqrt(variance + 1.0 / others + model)


def _held_out_loss(system: StarSystem, variance: Floats, folds: Integers) -> Floats:
    residual, _ = left_out(system, folds, variance)
    return np.asarray(np.abs(residual) / np.sqrt(variance))


def _as_good(loss: Floats, best: Floats) -> bool:
    difference = loss - best
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
    return bool(difference.mean() <= error)
