"""Residuals of up to three surveys against Teff, log g and [Fe/H], before and after: one page for each parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.arrays import Floats
from app.science.figures.running import draw_marginal, draw_residuals, summary
from app.science.figures.style import AFTER, BEFORE, DIFFERENCES, LABELS, RC
from app.science.robust import scatter

MOST_SURVEYS = 3


@dataclass(frozen=True)
class TrendRow:
    """A pair's residuals in one parameter.

    Attributes:
        survey: the survey that is judged.
        other: by which one.
        abscissae: Teff (K), log g, [Fe/H] of the other survey, (n, 3).
        before: residuals of the reported values, (n,).
        after: of the calibrated values, (n,).
    """

    survey: str
    other: str
    abscissae: Floats
    before: Floats
    after: Floats


def draw_trends(parameter: str, rows: list[TrendRow], *, note: str) -> Figure:
    """Draw two rows a survey, before and after, and a column each for Teff, log g, [Fe/H] and the histogram.

    The line is the running median, the band holds 68 % of the stars around it.

    >>> row = TrendRow("a", "b", np.ones((40, 3)) * np.arange(40)[:, None], np.ones(40), np.zeros(40))
    >>> len(draw_trends("logg", [row], note="test stars").axes)
    8
    """
    rows = rows[:MOST_SURVEYS]
    with rc_context(RC):
        figure = Figure(figsize=(8.2, 0.8 + 3.0 * len(rows)), layout="constrained")
        axes = figure.subplots(2 * len(rows), 4, width_ratios=[4, 4, 4, 1.4], squeeze=False)
        for number, row in enumerate(rows):
            limit = max(float(np.quantile(np.abs(row.before), 0.97)), 3.5 * scatter(row.after), 1e-6)
            _line(axes[2 * number], parameter, row, row.before, BEFORE, "before", limit)
            _line(axes[2 * number + 1], parameter, row, row.after, AFTER, "after", limit)
            _share_range(axes[2 * number : 2 * number + 2], row.abscissae)
        for axis, name in zip(axes[-1], LABELS, strict=False):
            axis.set_xlabel(LABELS[name])
        figure.suptitle(
            f"{LABELS[parameter].split(' (')[0]}: residuals before and after calibration  ({note})", fontsize=10
        )
    return figure


def _line(axes: Any, parameter: str, row: TrendRow, residual: Floats, colour: str, when: str, limit: float) -> None:
    for k in range(3):
        draw_residuals(axes[k], row.abscissae[:, k], residual, colour)
        axes[k].set_ylim(-limit, limit)
        axes[k].tick_params(labelleft=k == 0)
    axes[0].set_ylabel(DIFFERENCES[parameter])
    title = f"{row.survey} - {row.other}, {when}: {summary(residual, parameter)}"
    axes[0].set_title(title, fontsize=8.5, color=colour, loc="left")
    draw_marginal(axes[3], {colour: residual}, limit)
    axes[3].set_ylim(-limit, limit)


def _share_range(axes: Any, abscissae: Floats) -> None:
    """Show the central 99 % of a survey's stars, before and after alike: outliers must not squeeze the rest."""
    for k in range(3):
        lowest, highest = np.nanquantile(abscissae[:, k], [0.004, 0.996])
        margin = 0.04 * (highest - lowest) or 1.0
        for axis in axes[:, k]:
            axis.set_xlim(lowest - margin, highest + margin)
        axes[0, k].tick_params(labelbottom=False)
