"""Do 68 % intervals hold 68 %: of the differences between two surveys, and of a truth where one is known.

A difference d = a - b of two values with split-normal errors is judged by the errors that can explain its sign: for
d > 0, a too high or b too low, sqrt(a_minus^2 + b_plus^2 - 2 c), else sqrt(a_plus^2 + b_minus^2 - 2 c), where c is the
error that both share. Its pull is d in these units, and the interval covers where |pull| <= 1.

Cells are of a value whose noise is independent of d (the mean of both weighted by precision, see trends.py): stars
picked by a noisy value have biased differences, and would cover less with perfect errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.validation.worst_slab import Slab, worst_slab

LEVEL = 0.6827
"""What +-1 sigma of a Gaussian holds."""
CELL_EDGES: dict[str, tuple[float, ...]] = {
    "teff": (4500.0, 5250.0, 6000.0),
    "logg": (2.0, 3.5),
    "feh": (-1.0, -0.5, 0.0),
    "snr": (30.0, 60.0, 110.0),
}
"""Edges between cells; the outer ones are open. Teff in K."""
FEWEST_IN_A_CELL = 50
FEWEST_IN_A_BIN = 20
FEWEST_FOR_A_SLAB = 400


@dataclass(frozen=True)
class Coverage:
    """How many of `n` intervals hold what they should, as a fraction with its binomial standard error."""

    n: int
    covered: float
    error: float


@dataclass(frozen=True)
class Cell:
    """Coverage between the bounds of some of Teff (K), log g, [Fe/H], S/N; an open bound is None."""

    bounds: dict[str, tuple[float | None, float | None]]
    coverage: Coverage


@dataclass(frozen=True)
class CoverageReport:
    """Coverage overall, in bins of each quantity, in cells of all, and in the worst slab."""

    overall: Coverage
    bins: list[Cell]
    cells: list[Cell]
    worst_slab: Slab | None


def difference_pulls(
    a: Floats,
    b: Floats,
    *,
    a_minus: Floats,
    a_plus: Floats,
    b_minus: Floats,
    b_plus: Floats,
    shared_variance: float = 0.0,
) -> Floats:
    """Return a - b in units of its split-normal error, (n,), NaN where an error is unknown.

    >>> one = np.ones(2)
    >>> difference_pulls(np.array([2.0, -2.0]), 0 * one, a_minus=2 * one, a_plus=one, b_minus=0 * one, b_plus=0 * one)
    array([ 1., -2.])
    """
    d = a - b
    variance = np.where(d > 0, a_minus**2 + b_plus**2, a_plus**2 + b_minus**2) - 2 * shared_variance
    known = np.isfinite(variance) & (variance > 0)
    return np.where(known, d / np.sqrt(np.where(known, variance, 1.0)), np.nan)


def truth_pulls(value: Floats, minus: Floats, plus: Floats, truth: Floats) -> Floats:
    """Return value - truth in units of the error that points to the truth, (n,)."""
    nothing = np.zeros_like(value)
    return difference_pulls(value, truth, a_minus=minus, a_plus=plus, b_minus=nothing, b_plus=nothing)


def coverage_of(inside: Booleans) -> Coverage:
    """Return the fraction of intervals that hold, (n,) booleans; its error is the binomial one about that fraction.

    >>> coverage_of(np.array([True, True, False, True])).covered
    0.75
    """
    n = len(inside)
    if n == 0:
        return Coverage(0, float("nan"), float("nan"))
    covered = float(inside.mean())
    smoothed = (covered * n + 1) / (n + 2)  # an empty or a full cell is not known without error
    return Coverage(n, covered, float(np.sqrt(smoothed * (1 - smoothed) / n)))


def judge_coverage(pulls: Floats, features: Floats, *, rng: np.random.Generator) -> CoverageReport:
    """Return how often |pull| <= 1.

    Args:
        pulls: (n,); those that are not finite are left out.
        features: Teff (K), log g, [Fe/H], S/N, (n, 4); where one is NaN the star is in no bin of it and in no cell.
        rng: for the directions of slabs.

    >>> rng = np.random.default_rng(1)
    >>> report = judge_coverage(rng.normal(size=4000), rng.uniform(0, 1, (4000, 4)), rng=rng)
    >>> abs(report.overall.covered - LEVEL) < 3 * report.overall.error
    True
    """
    known = np.isfinite(pulls)
    inside, features = np.abs(pulls[known]) <= 1, features[known]
    names = list(CELL_EDGES)
    places = np.column_stack([_places(features[:, k], CELL_EDGES[name]) for k, name in enumerate(names)])
    bins = [cell for k, name in enumerate(names) for cell in _cells(inside, places[:, [k]], [name], FEWEST_IN_A_BIN)]
    return CoverageReport(
        overall=coverage_of(inside),
        bins=bins,
        cells=_cells(inside, places, names, FEWEST_IN_A_CELL),
        worst_slab=_slab(inside, features, rng),
    )


def _places(values: Floats, edges: tuple[float, ...]) -> Integers:
    return np.where(np.isfinite(values), np.searchsorted(np.asarray(edges), values, side="right"), -1)


def _cells(inside: Booleans, places: Integers, names: list[str], fewest: int) -> list[Cell]:
    """Return the coverage of every combination of places (n, k) that holds enough stars."""
    sizes = [len(CELL_EDGES[name]) + 1 for name in names]
    whole = (places >= 0).all(axis=1)
    code = np.ravel_multi_index(tuple(places[whole].T), sizes)
    counts = np.bincount(code, minlength=int(np.prod(sizes)))
    covered = np.bincount(code, weights=inside[whole], minlength=len(counts))
    cells = []
    for number in np.flatnonzero(counts >= fewest):
        where = np.unravel_index(number, sizes)
        bounds = {name: _bounds(CELL_EDGES[name], int(place)) for name, place in zip(names, where, strict=True)}
        held = np.arange(counts[number]) < covered[number]
        cells.append(Cell(bounds, coverage_of(held)))
    return cells


def _bounds(edges: tuple[float, ...], place: int) -> tuple[float | None, float | None]:
    return (edges[place - 1] if place > 0 else None, edges[place] if place < len(edges) else None)


def _slab(inside: Booleans, features: Floats, rng: np.random.Generator) -> Slab | None:
    columns = np.isfinite(features).mean(axis=0) > 0.9
    features = np.column_stack([features[:, :3], np.log(np.maximum(features[:, 3], 1e-3))])[:, columns]
    whole = np.isfinite(features).all(axis=1)
    if whole.sum() < FEWEST_FOR_A_SLAB:
        return None
    return worst_slab(features[whole], inside[whole], rng=rng)
