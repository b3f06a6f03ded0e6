"""Cells of the true Teff, log g and [Fe/H], and what happens in each: medians with errors, and shares.

Where the truth is known, stars are sorted by it: no value's noise decides in which cell a star stands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import MAD_TO_SIGMA

EDGES: dict[str, tuple[float, ...]] = {
    "teff": tuple(np.arange(3500.0, 8001.0, 500.0).tolist()),
    "logg": (0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
    "feh": (-3.0, -2.0, -1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.6),
}
"""Edges between cells, Teff in K; the outer ones are open."""
MEDIAN_TO_MEAN = 1.2533
"""sqrt(pi / 2): the standard error of a median of Gaussian values in units of that of their mean."""
_SIZES = tuple(len(edges) + 1 for edges in EDGES.values())


@dataclass(frozen=True)
class CellMedians:
    """Medians in cells that hold enough values.

    Attributes:
        cell: number of the cell, rising, (k,).
        n: values in it, (k,).
        median: their median, (k,).
        error: its standard error, 1.2533 x 1.4826 MAD / sqrt(n), (k,).
    """

    cell: Integers
    n: Integers
    median: Floats
    error: Floats


def cells_of(truth: Floats) -> Integers:
    """Return the number of the cell of each star, (n,), by its true Teff (K), log g, [Fe/H], (n, 3).

    >>> cell_name(int(cells_of(np.array([[4800.0, 2.5, -0.3]]))[0]))
    'Teff 4500..5000, log g 2..3, [Fe/H] -0.5..-0.25'
    """
    places = tuple(np.searchsorted(edges, truth[:, k], side="right") for k, edges in enumerate(EDGES.values()))
    return np.asarray(np.ravel_multi_index(places, _SIZES), dtype=np.int64)


def cell_name(cell: int) -> str:
    """Return the bounds of a cell in words."""
    places = np.unravel_index(cell, _SIZES)
    names = ("Teff", "log g", "[Fe/H]")
    parts = zip(names, EDGES.values(), places, strict=True)
    return ", ".join(f"{name} {_range(edges, int(place))}" for name, edges, place in parts)


def _range(edges: tuple[float, ...], place: int) -> str:
    if place == 0:
        return f"<{edges[0]:g}"
    return f">{edges[-1]:g}" if place == len(edges) else f"{edges[place - 1]:g}..{edges[place]:g}"


def cell_medians(values: Floats, cells: Integers, *, fewest: int) -> CellMedians:
    """Return the median of `values` (n,) in every cell (n,) that holds at least `fewest` of them.

    >>> found = cell_medians(np.array([1.0, 2.0, 6.0, 5.0]), np.array([3, 3, 3, 8]), fewest=2)
    >>> found.cell.tolist(), found.n.tolist(), found.median.tolist()
    ([3], [3], [2.0])
    """
    number, place, n = np.unique(cells, return_inverse=True, return_counts=True)
    median = _medians(values, place, n)
    sigma = MAD_TO_SIGMA * _medians(np.abs(values - median[place]), place, n)
    big = n >= fewest
    error = MEDIAN_TO_MEAN * sigma / np.sqrt(np.maximum(n, 1))
    return CellMedians(number[big], n[big], median[big], error[big])


def _medians(values: Floats, place: Integers, n: Integers) -> Floats:
    """Return the median of each group, groups numbered from 0 by `place` and of sizes `n`."""
    ordered = values[np.lexsort((values, place))]
    first = np.cumsum(n) - n
    return np.asarray(0.5 * (ordered[first + (n - 1) // 2] + ordered[first + n // 2]))


def cell_shares(inside: Booleans, cells: Integers, *, fewest: int) -> tuple[Integers, Integers, Floats]:
    """Return number, size and share of True (k,) of every cell that holds at least `fewest` of `inside` (n,).

    >>> _, n, share = cell_shares(np.array([True, False, True]), np.array([4, 4, 9]), fewest=2)
    >>> n.tolist(), share.tolist()
    ([2], [0.5])
    """
    number, place, n = np.unique(cells, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=inside, minlength=len(number)) / np.maximum(n, 1)
    big = n >= fewest
    return number[big], n[big], share[big]
