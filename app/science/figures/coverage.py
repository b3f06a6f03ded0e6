"""What 68 % intervals hold: in bins of Teff, log g, [Fe/H] and S/N, with the pulls beside a unit Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.arrays import Floats
from app.science.figures.style import INK, LABELS, RC, SERIES
from app.science.validation.coverage import CELL_EDGES, LEVEL, Cell

MOST_PAIRS = 3
TOLERANCE = 0.05
MARKERS = "osD"
TITLES = {**LABELS, "snr": "S/N"}


@dataclass(frozen=True)
class CoverageRow:
    """One pair's coverage in one parameter: cells of one quantity each, and the pulls (n,)."""

    parameter: str
    pair: str
    bins: list[Cell]
    pulls: Floats


def draw_coverage(rows: list[CoverageRow], *, note: str) -> Figure:
    """Draw a row a parameter: coverage in bins with binomial errors, a colour a pair, and the histogram of pulls.

    >>> rng = np.random.default_rng(1)
    >>> len(draw_coverage([CoverageRow("feh", "a - b", [], rng.normal(size=100))], note="test stars").axes)
    5
    """
    parameters = [name for name in LABELS if any(row.parameter == name for row in rows)]
    pairs = list(dict.fromkeys(row.pair for row in rows))[:MOST_PAIRS]
    looks = {pair: (SERIES[k], MARKERS[k]) for k, pair in enumerate(pairs)}
    with rc_context(RC):
        figure = Figure(figsize=(10.0, 1.2 + 2.2 * len(parameters)), layout="constrained")
        axes = figure.subplots(len(parameters), 5, squeeze=False, sharey="col", width_ratios=[1, 0.9, 1, 1, 1.2])
        for line, parameter in zip(axes, parameters, strict=True):
            mine = [row for row in rows if row.parameter == parameter and row.pair in looks]
            for axis, quantity in zip(line, CELL_EDGES, strict=False):
                _bins(axis, quantity, mine, looks)
                axis.tick_params(labelleft=axis is line[0])
            line[0].set_ylabel(f"{LABELS[parameter].split(' (')[0]}: share inside 68 %")
            _histogram(line[4], mine, looks)
        for axis, quantity in zip(axes[-1], CELL_EDGES, strict=False):
            axis.set_xlabel(TITLES[quantity])
        axes[-1, 4].set_xlabel("pull (stated errors)")
        handles, labels = axes[0, 4].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(f"Coverage of differences by stated intervals  ({note})", fontsize=10)
    return figure


def _bins(axis: Any, quantity: str, rows: list[CoverageRow], looks: dict[str, tuple[str, str]]) -> None:
    edges = CELL_EDGES[quantity]
    axis.axhspan(LEVEL - TOLERANCE, LEVEL + TOLERANCE, color=INK, alpha=0.08, lw=0)
    axis.axhline(LEVEL, color=INK, lw=0.8)
    for k, row in enumerate(rows):
        found = [(cell, *cell.bounds[quantity]) for cell in row.bins if set(cell.bounds) == {quantity}]
        x = [_place(edges, lowest) + 0.22 * (k - (len(rows) - 1) / 2) for _, lowest, _ in found]
        y = [cell.coverage.covered for cell, *_ in found]
        error = [cell.coverage.error for cell, *_ in found]
        colour, marker = looks[row.pair]
        axis.errorbar(x, y, error, fmt=marker, ms=4, color=colour, capsize=2, lw=1)
    axis.set_xticks(range(len(edges) + 1), _names(edges), fontsize=7)
    axis.set_xlim(-0.6, len(edges) + 0.6)
    axis.set_ylim(0.3, 1.0)


def _place(edges: tuple[float, ...], lowest: float | None) -> int:
    return 0 if lowest is None else edges.index(lowest) + 1


def _names(edges: tuple[float, ...]) -> list[str]:
    middle = [f"{low:g}\n…{high:g}" for low, high in pairwise(edges)]
    return [f"<{edges[0]:g}", *middle, f">{edges[-1]:g}"]


def _histogram(axis: Any, rows: list[CoverageRow], looks: dict[str, tuple[str, str]]) -> None:
    edges = np.linspace(-5, 5, 51)
    for row in rows:
        pulls = row.pulls[np.isfinite(row.pulls)]
        weights = np.full(len(pulls), 1 / max(len(pulls), 1) / (edges[1] - edges[0]))
        label = f"{row.pair} (n = {len(pulls)})"
        axis.hist(pulls, edges, weights=weights, histtype="step", color=looks[row.pair][0], lw=1.2, label=label)
    x = np.linspace(-5, 5, 200)
    axis.plot(x, np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), color=INK, lw=1.0, ls="--", label="unit Gaussian")
    axis.set_yticks([])
