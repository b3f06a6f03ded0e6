"""Against Gaia FGK benchmark stars, whose Teff and log g come from angular diameters, fluxes and parallaxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.robust import Residuals, scatter, summarize
from app.science.validation.seen import Seen


@dataclass(frozen=True)
class BenchmarkStar:
    """One star in one parameter: what it is, what the survey reported, and the calibrated value, with errors."""

    name: str
    truth: float
    truth_error: float
    before: float
    after: float
    error: float
    test: bool


@dataclass(frozen=True)
class BenchmarkResult:
    """One survey in one parameter against the benchmark stars.

    Attributes:
        before: residuals of the reported values.
        after: of the calibrated ones, on the same stars.
        test: of the calibrated ones of stars in neither training nor conformal step.
        pull_width: 1.48 MAD of the residuals in units of both errors together.
        stars: the stars one by one, as long as they are few.
    """

    before: Residuals
    after: Residuals
    test: Residuals
    pull_width: float
    stars: list[BenchmarkStar]


MOST_LISTED = 50


def compare_benchmarks(
    survey: Seen, star: Integers, names: list[str], truth: Floats, error: Floats, p: int, *, rng: np.random.Generator
) -> BenchmarkResult:
    """Compare one parameter of a survey with the benchmark stars that it saw.

    Args:
        survey: what it says, n stars.
        star: our numbers of benchmark stars, (k,).
        names: their names, k.
        truth: their parameters, (k, 3).
        error: errors of `truth`, (k, 3); NaN counts as none.
        p: which parameter, 0 to 2.
        rng: for bootstrap errors.

    >>> one = np.ones((1, 3))
    >>> survey = Seen(np.array([5]), one + 0.5, one, 0.1 * one, np.ones(1, bool))
    >>> result = compare_benchmarks(survey, np.array([5]), ["Sun"], one, 0 * one, 2, rng=np.random.default_rng(1))
    >>> result.stars[0].name, result.before.median, result.after.median
    ('Sun', 0.5, 0.0)
    """
    _, mine, theirs = np.intersect1d(survey.star, star, return_indices=True)
    known = np.isfinite(survey.value[mine, p]) & np.isfinite(truth[theirs, p])
    mine, theirs = mine[known], theirs[known]
    true, true_error = truth[theirs, p], np.nan_to_num(error[theirs, p])
    raw, value, test = survey.raw[mine, p], survey.value[mine, p], survey.test[mine]
    total = np.hypot(survey.error[mine, p], true_error)
    stated = np.isfinite(total) & (total > 0)
    columns = (true, true_error, raw, value, survey.error[mine, p], test)
    listed = [
        BenchmarkStar(names[place], *row)
        for place, *row in zip(theirs[:MOST_LISTED].tolist(), *(column.tolist() for column in columns), strict=False)
    ]
    return BenchmarkResult(
        before=summarize(raw - true, rng=rng),
        after=summarize(value - true, rng=rng),
        test=summarize((value - true)[test], rng=rng),
        pull_width=scatter((value - true)[stated] / total[stated]),
        stars=listed,
    )
