"""Pulls by subset of surveys: each survey against all others, each pair, and stars with 2, 3, 4 or more surveys.

The pull of survey s on a star is the difference between its value and the inverse-variance mean of the star's other
surveys, in units of the difference's stated error:

    d = x_s - sum_j w_j x_j,   Var(d) = s_s^2 + sum_j w_j^2 s_j^2 + 2 sum_{j<k} c_j c_k C_jk,   c = (1, -w_j)

with C the covariance of the surveys' zero points. If errors are honest the pulls are a unit Gaussian: median 0, half
of the 16-84 % range 1. A value that agrees with the mean of which it is a part proves nothing, so it is left out.
Stars with k surveys count once, by the survey that was aligned last against the mean of the other k - 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.validation.stars import SurveyStars

PARAMETERS = ("teff", "logg", "feh")
FEWEST = 10
BOOTSTRAP_UP_TO = 4000
DRAWS = 200
MOST = 4
"""Stars with this many surveys or more are one subset."""


@dataclass(frozen=True)
class Pulls:
    """Location and width (half of the 16-84 % range) of pulls, with standard errors by stars.

    Attributes:
        kind: `survey`, `pair` or `number`.
        subset: the survey, `a - b`, or how many surveys.
        parameter: teff, logg or feh.
        n: stars.
        median: zero for unbiased values.
        median_error: its standard error.
        width: one for honest errors.
        width_error: its standard error.
        covered: share of |pull| <= 1; 0.683 for honest errors.
    """

    kind: str
    subset: str
    parameter: str
    n: int
    median: float
    median_error: float
    width: float
    width_error: float
    covered: float


@dataclass(frozen=True)
class StarTable:
    """Values of all surveys on the stars that any of them has: (stars, surveys, 3), NaN where there is none."""

    surveys: list[str]
    value: Floats
    minus: Floats
    plus: Floats


def star_table(surveys: Mapping[str, SurveyStars]) -> StarTable:
    """Return the surveys side by side, stars outside a survey's domain left out for that survey."""
    parts = {name: part.at(part.in_domain) for name, part in surveys.items()}
    stars = np.unique(np.concatenate([part.star for part in parts.values()]))
    value, minus, plus = (np.full((len(stars), len(parts), 3), np.nan) for _ in range(3))
    for s, part in enumerate(parts.values()):
        rows = np.searchsorted(stars, part.star)
        known = np.isfinite(part.value) & (part.error > 0)
        value[rows, s] = np.where(known, part.value, np.nan)
        minus[rows, s], plus[rows, s] = part.minus, part.plus
    return StarTable(list(parts), value, minus, plus)


def left_out_pulls(table: StarTable, p: int, covariance: Floats | None = None) -> Floats:
    """Return the pull of each survey on each star against the star's other surveys, (stars, surveys), NaN without any.

    Args:
        table: values and errors.
        p: place of the parameter.
        covariance: of the surveys' zero points, (surveys, surveys); it is part of the stated errors, so that only what
            two surveys share (its off-diagonal) changes the error of a difference.

    >>> value = np.array([[[1.0] * 3, [0.0] * 3]])
    >>> table = StarTable(["a", "b"], value, np.ones((1, 2, 3)), np.ones((1, 2, 3)))
    >>> left_out_pulls(table, 0).round(3).tolist()
    [[0.707, -0.707]]
    """
    value, minus, plus = table.value[:, :, p], table.minus[:, :, p], table.plus[:, :, p]
    surveys = value.shape[1]
    shared = np.zeros((surveys, surveys)) if covariance is None else covariance - np.diag(np.diag(covariance))
    known = np.isfinite(value)
    weight = np.where(known, 1 / np.where(known, 0.5 * (minus + plus), 1.0) ** 2, 0.0)
    pulls = np.full(value.shape, np.nan)
    for s in range(surveys):
        pulls[:, s] = _pull_of(s, value, minus, plus, weight, shared)
    return pulls


def _pull_of(s: int, value: Floats, minus: Floats, plus: Floats, weight: Floats, shared: Floats) -> Floats:
    others = weight.copy()
    others[:, s] = 0
    total = others.sum(axis=1)
    rows = np.flatnonzero((total > 0) & (weight[:, s] > 0))
    mean_of = others[rows] / total[rows, None]
    d = value[rows, s] - np.where(mean_of > 0, mean_of * np.nan_to_num(value[rows]), 0.0).sum(axis=1)
    up = d[:, None] > 0
    with np.errstate(invalid="ignore"):
        their_error = np.where(mean_of > 0, np.where(up, plus[rows], minus[rows]), 0.0)
    coefficient = -mean_of
    coefficient[:, s] = 1.0
    own = np.where(d > 0, minus[rows, s], plus[rows, s])
    variance = own**2 + (mean_of**2 * their_error**2).sum(axis=1)
    variance += np.einsum("ij,jk,ik->i", coefficient, shared, coefficient)
    result = np.full(len(value), np.nan)
    result[rows] = d / np.sqrt(np.maximum(variance, 1e-30))
    return result


def pulls_by_subset(
    surveys: Mapping[str, SurveyStars], *, rng: np.random.Generator, covariance: Floats | None = None
) -> list[Pulls]:
    """Return the pulls of every survey, pair and number of surveys that has enough stars.

    Args:
        surveys: by name, one row a star.
        rng: for bootstrap errors.
        covariance: of zero points in the order of `surveys`, (3, surveys, surveys), None for none.
    """
    if not surveys:
        return []
    table = star_table(surveys)
    result: list[Pulls] = []
    for p, parameter in enumerate(PARAMETERS):
        shared = None if covariance is None else covariance[p]
        pulls = left_out_pulls(table, p, shared)
        count = np.isfinite(table.value[:, :, p]).sum(axis=1)
        subsets = [("survey", name, pulls[:, [s]]) for s, name in enumerate(table.surveys)]
        subsets += [("pair", name, part) for name, part in _pairs(table, p, shared)]
        subsets += [("number", label, _last(pulls[rows])) for label, rows in _numbers(count)]
        for kind, subset, part in subsets:
            rows = np.isfinite(part).any(axis=1)
            if rows.sum() >= FEWEST:
                result.append(summarize_pulls(kind, subset, parameter, part[rows], rng=rng))
    return result


def _pairs(table: StarTable, p: int, shared: Floats | None) -> list[tuple[str, Floats]]:
    parts = []
    for i, later in enumerate(table.surveys):
        for j, earlier in enumerate(table.surveys[:i]):
            rows = np.isfinite(table.value[:, [i, j], p]).all(axis=1)
            if rows.sum() < FEWEST:
                continue
            both = [i, j]
            pair = StarTable([later, earlier], *(a[rows][:, both] for a in (table.value, table.minus, table.plus)))
            part = left_out_pulls(pair, p, None if shared is None else shared[np.ix_(both, both)])
            parts.append((f"{later} - {earlier}", part[:, :1]))
    return parts


def _last(pulls: Floats) -> Floats:
    """Return the pull of each star's last survey, (stars, 1): one a star, or both signs of every pair would cancel."""
    place = pulls.shape[1] - 1 - np.argmax(np.isfinite(pulls)[:, ::-1], axis=1)
    return np.take_along_axis(pulls, place[:, None], axis=1)


def _numbers(count: Floats) -> list[tuple[str, Booleans]]:
    exact = [(str(k), count == k) for k in range(2, MOST)]
    return [*exact, (f"{MOST}+", count >= MOST)]


def summarize_pulls(kind: str, subset: str, parameter: str, pulls: Floats, *, rng: np.random.Generator) -> Pulls:
    """Return location and width of pulls (stars, surveys), NaN where a star lacks a survey; errors are by stars."""
    n = len(pulls)
    everything = pulls[np.isfinite(pulls)]
    lower, median, upper = np.quantile(everything, [0.1587, 0.5, 0.8413])
    width = 0.5 * (upper - lower)
    median_error, width_error = 1.2533 * width / np.sqrt(n), 0.96 * width / np.sqrt(n)
    if n <= BOOTSTRAP_UP_TO:
        drawn = pulls[rng.integers(0, n, size=(DRAWS, n))].reshape(DRAWS, -1)
        low, middle, high = np.nanquantile(drawn, [0.1587, 0.5, 0.8413], axis=1)
        median_error, width_error = middle.std(ddof=1), 0.5 * (high - low).std(ddof=1)
    covered = float((np.abs(everything) <= 1).mean())
    return Pulls(
        kind, subset, parameter, n, float(median), float(median_error), float(width), float(width_error), covered
    )
