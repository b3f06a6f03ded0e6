"""Values beside the truth of a simulated sky: bias before and after, coverage, gain of combining, zero points.

One parameter at a time; the caller picks the stars. Bias and coverage belong to stars that no fit has seen: test stars,
and stars of one survey alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.robust import scatter
from app.science.validation.coverage import LEVEL, coverage_of, truth_pulls
from app.science.validation.true_cells import cell_medians, cell_name, cell_shares

LIMITS = {"teff": 20.0, "logg": 0.05, "feh": 0.04}
"""Largest bias of a cell, beyond its 2 sigma: K, dex, dex."""
TOLERANCE = 0.05
"""By how much the coverage of a cell may differ from 68 %."""
FEWEST_FOR_COVERAGE = 500
SMALL_SURVEY = 50_000


@dataclass(frozen=True)
class TrueBias:
    """How far values of one survey and parameter lie from the truth, before and after calibration.

    Attributes:
        n: values.
        before: median of reported - true.
        after: median of calibrated - true.
        scatter_before: 1.48 MAD of reported - true.
        scatter_after: 1.48 MAD of calibrated - true.
        cells: populated cells of the true parameters.
        cell_before: median over these of |median of reported - true|.
        cell_after: the same, calibrated.
        worst: the largest |median of calibrated - true| - 2 sigma of a cell.
        worst_median: that cell's median.
        worst_error: its standard error.
        worst_n: its stars.
        worst_cell: its bounds.
        beyond: cells whose `worst` is above the limit.
    """

    n: int
    before: float
    after: float
    scatter_before: float
    scatter_after: float
    cells: int
    cell_before: float
    cell_after: float
    worst: float
    worst_median: float
    worst_error: float
    worst_n: int
    worst_cell: str
    beyond: int


@dataclass(frozen=True)
class TrueCoverage:
    """How often 68 % intervals hold the truth, and the pulls (value - truth) / error.

    Attributes:
        n: values.
        covered: share of intervals that hold the truth.
        error: binomial standard error of it.
        pull_median: median pull.
        pull_width: half of the 16-84 % range of the pulls; 1 for honest errors.
        half_width: median half width of the intervals.
        cells: cells of the true parameters with at least 500 values.
        lowest: least coverage of a cell.
        lowest_cell: its bounds.
        highest: largest coverage of a cell.
        outside: cells outside 68 +- 5 %.
    """

    n: int
    covered: float
    error: float
    pull_median: float
    pull_width: float
    half_width: float
    cells: int
    lowest: float
    lowest_cell: str
    highest: float
    outside: int


@dataclass(frozen=True)
class Gain:
    """Scatter (1.48 MAD) of combined values about the truth, and of single ones on the same `n` stars."""

    n: int
    single: float
    combined: float


@dataclass(frozen=True)
class TrueOffset:
    """A survey's zero point after calibration.

    Attributes:
        n: values.
        mean: mean of calibrated - true.
        error: standard error of the mean, from the survey's own noise.
        median: median of calibrated - true.
        stated: standard deviation that the version states for its zero point.
        sigmas: mean / stated.
    """

    n: int
    mean: float
    error: float
    median: float
    stated: float
    sigmas: float


def fewest_in_a_cell(rows: int) -> int:
    """Return from how many stars on a cell counts as populated, for a survey with so many rows.

    >>> fewest_in_a_cell(300_000), fewest_in_a_cell(2_000)
    (500, 100)
    """
    return 100 if rows < SMALL_SURVEY else 500


def true_bias(before: Floats, after: Floats, cells: Integers, *, limit: float, fewest: int) -> TrueBias:
    """Judge residuals against the truth, overall and in cells.

    Args:
        before: reported - true, (n,).
        after: calibrated - true, (n,).
        cells: cell of the true parameters, (n,).
        limit: largest bias of a cell beyond its 2 sigma.
        fewest: stars from which on a cell counts.

    >>> noise = np.random.default_rng(1).normal(0, 50, 4000)
    >>> found = true_bias(noise + 80, noise, np.arange(4000) // 1000, limit=20, fewest=500)
    >>> found.cells, round(found.cell_before, -1), found.cell_after < 5, found.beyond
    (4, 80.0, True, 0)
    """
    raw, left = (cell_medians(values, cells, fewest=fewest) for values in (before, after))
    excess = np.abs(left.median) - 2 * left.error
    k = int(np.argmax(excess)) if len(excess) else None
    return TrueBias(
        n=len(after),
        before=_median(before),
        after=_median(after),
        scatter_before=scatter(before),
        scatter_after=scatter(after),
        cells=len(excess),
        cell_before=_median(np.abs(raw.median)),
        cell_after=_median(np.abs(left.median)),
        worst=float("nan") if k is None else float(excess[k]),
        worst_median=float("nan") if k is None else float(left.median[k]),
        worst_error=float("nan") if k is None else float(left.error[k]),
        worst_n=0 if k is None else int(left.n[k]),
        worst_cell="" if k is None else cell_name(int(left.cell[k])),
        beyond=int((excess > limit).sum()),
    )


def true_coverage(value: Floats, minus: Floats, plus: Floats, truth: Floats, cells: Integers) -> TrueCoverage:
    """Judge 68 % intervals from value - minus to value + plus against the truth, all (n,).

    >>> rng = np.random.default_rng(1)
    >>> value, one = rng.normal(size=5000), np.ones(5000)
    >>> found = true_coverage(value, one, one, 0 * one, np.zeros(5000, dtype=int))
    >>> abs(found.covered - 0.683) < 0.02, abs(found.pull_width - 1) < 0.04, found.outside
    (True, True, 0)
    """
    pulls = truth_pulls(value, minus, plus, truth)
    inside = np.abs(pulls) <= 1
    whole = coverage_of(inside)
    number, _, share = cell_shares(inside, cells, fewest=FEWEST_FOR_COVERAGE)
    known = pulls[np.isfinite(pulls)]
    some = len(share) > 0
    return TrueCoverage(
        n=whole.n,
        covered=whole.covered,
        error=whole.error,
        pull_median=_median(known),
        pull_width=float(np.diff(np.quantile(known, [0.16, 0.84]))[0]) / 2 if len(known) else float("nan"),
        half_width=_median(0.5 * (minus + plus)),
        cells=len(share),
        lowest=float(share.min()) if some else float("nan"),
        lowest_cell=cell_name(int(number[share.argmin()])) if some else "",
        highest=float(share.max()) if some else float("nan"),
        outside=int((np.abs(share - LEVEL) > TOLERANCE).sum()),
    )


def gain(single: Floats, combined: Floats) -> Gain:
    """Compare residuals of single and of combined values of the same stars, (n,) each.

    >>> gain(np.array([-2.0, 0.0, 2.0]), np.array([-1.0, 0.0, 1.0]))
    Gain(n=3, single=2.965204437011204, combined=1.482602218505602)
    """
    return Gain(len(combined), scatter(single), scatter(combined))


def true_offset(residual: Floats, stated: float) -> TrueOffset:
    """Judge a zero point: mean of calibrated - true (n,) in units of the stated error of the zero point.

    >>> true_offset(np.array([1.0, 3.0, 2.0, 2.0]), 4.0).sigmas
    0.5
    """
    n = len(residual)
    mean = float(residual.mean()) if n else float("nan")
    error = float(residual.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return TrueOffset(n, mean, error, _median(residual), stated, mean / stated if stated > 0 else float("nan"))


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("nan")
