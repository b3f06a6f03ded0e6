"""Residuals of a pair of surveys against the second one's value, before and after calibration, with histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from app.science.arrays import Floats
from app.science.figures.running import draw_marginal, draw_residuals, summary
from app.science.figures.style import AFTER, BEFORE, DIFFERENCES, FAINT, LABELS, RC
from app.science.robust import scatter


@dataclass(frozen=True)
class Panel:
    """One parameter of a pair: the second survey's value and the residuals of the first, each (n,)."""

    parameter: str
    reference: Floats
    before: Floats
    after: Floats


def draw_offsets(survey: str, other: str, panels: list[Panel], *, note: str) -> Figure:
    """Draw a row a parameter: residuals before on the left, after in the middle, their histograms on the right.

    Above each panel stands how many stars there are along its axis.

    >>> values = np.linspace(0, 1, 50)
    >>> figure = draw_offsets("a", "b", [Panel("feh", values, values + 0.1, 0 * values)], note="test stars")
    >>> len(figure.axes)
    5
    """
    with rc_context(RC):
        figure = Figure(figsize=(8.0, 0.7 + 2.5 * len(panels)), layout=ConstrainedLayoutEngine(h_pad=0.02, hspace=0.0))
        grid = figure.add_gridspec(2 * len(panels), 3, width_ratios=[4, 4, 1.3], height_ratios=[0.5, 4] * len(panels))
        for number, panel in enumerate(panels):
            _row(figure, grid, number, panel)
        figure.suptitle(f"{survey} - {other}  ({note})", fontsize=10)
    return figure


def _row(figure: Figure, grid: Any, number: int, panel: Panel) -> None:
    limit = _limit(panel)
    shared: Any = None
    for column, (residual, colour, title) in enumerate(
        ((panel.before, BEFORE, "before"), (panel.after, AFTER, "after"))
    ):
        axis = figure.add_subplot(grid[2 * number + 1, column], sharey=shared, sharex=shared)
        shared = shared or axis
        draw_residuals(axis, panel.reference, residual, colour)
        axis.set_ylim(-limit, limit)
        axis.set_xlabel(LABELS[panel.parameter])
        axis.tick_params(labelleft=column == 0)
        above = figure.add_subplot(grid[2 * number, column], sharex=axis)
        _abscissa(above, panel.reference)
        above.set_title(f"{title}: {summary(residual, panel.parameter)}", fontsize=8.5, color=colour, loc="left", pad=3)
    shared.set_ylabel(DIFFERENCES[panel.parameter])
    beside = figure.add_subplot(grid[2 * number + 1, 2], sharey=shared)
    draw_marginal(beside, {BEFORE: panel.before, AFTER: panel.after}, limit)


def _limit(panel: Panel) -> float:
    return float(max(np.quantile(np.abs(panel.before), 0.98), 4 * scatter(panel.after), 1e-6))


def _abscissa(axis: Any, reference: Floats) -> None:
    axis.hist(reference, 40, color=FAINT, alpha=0.6)
    axis.axis("off")
