"""Residuals of a pair of surveys against the second one's value, before and after calibration, with histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.arrays import Floats
from app.science.figures.style import AFTER, BEFORE, DIFFERENCES, FAINT, INK, LABELS, RC
from app.science.robust import scatter

MOST_POINTS = 20_000
RUNNING_BINS = 15
FEWEST_A_BIN = 20


@dataclass(frozen=True)
class Panel:
    """One parameter of a pair: the second survey's value and the residuals of the first, each (n,)."""

    parameter: str
    reference: Floats
    before: Floats
    after: Floats


def draw_offsets(survey: str, other: str, panels: list[Panel], *, note: str) -> Figure:
    """Draw a row a parameter: residuals before on the left, after on the right, and their histograms beside.

    >>> values = np.linspace(0, 1, 50)
    >>> figure = draw_offsets("a", "b", [Panel("feh", values, values + 0.1, 0 * values)], note="test stars")
    >>> len(figure.axes)
    3
    """
    with rc_context(RC):
        figure = Figure(figsize=(8.0, 0.6 + 2.2 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 3, width_ratios=[4, 4, 1.3], squeeze=False, sharey="row")
        for row, panel in zip(axes, panels, strict=True):
            limit = _limit(panel)
            for axis, residual, colour, title in (
                (row[0], panel.before, BEFORE, "before"),
                (row[1], panel.after, AFTER, "after"),
            ):
                _residuals(axis, panel, residual, colour, limit)
                axis.set_title(_summary(title, residual, panel.parameter), fontsize=9, color=colour, loc="left")
            row[0].set_ylabel(DIFFERENCES[panel.parameter])
            _histograms(row[2], panel, limit)
        figure.suptitle(f"{survey} - {other}  ({note})", fontsize=10)
    return figure


def _limit(panel: Panel) -> float:
    return float(max(np.quantile(np.abs(panel.before), 0.98), 4 * scatter(panel.after), 1e-6))


def _residuals(axis: Any, panel: Panel, residual: Floats, colour: str, limit: float) -> None:
    chosen = np.linspace(0, len(residual) - 1, min(len(residual), MOST_POINTS)).astype(np.int64)
    alpha = float(np.clip(120 / np.sqrt(len(chosen)) / 10, 0.05, 0.6))
    size = 5.0 if len(chosen) < 1000 else 2.5
    axis.plot(
        panel.reference[chosen], residual[chosen], ".", ms=size, alpha=alpha, color=colour, rasterized=True, mew=0
    )
    axis.axhline(0.0, color=INK, lw=0.8)
    centres, lower, median, upper = _running(panel.reference, residual)
    axis.fill_between(centres, lower, upper, color=colour, alpha=0.18, lw=0)
    axis.plot(centres, median, color=INK, lw=1.6)
    axis.set_ylim(-limit, limit)
    axis.set_xlabel(LABELS[panel.parameter])


def _running(reference: Floats, residual: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return bin centres and the 16, 50, 84 % quantiles of the residuals in bins of equal numbers of stars."""
    bins = int(np.clip(len(reference) // FEWEST_A_BIN, 1, RUNNING_BINS))
    order = np.argsort(reference, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    centres = np.array([np.median(reference[part]) for part in parts])
    quantiles = np.array([np.quantile(residual[part], [0.16, 0.5, 0.84]) for part in parts])
    return centres, quantiles[:, 0], quantiles[:, 1], quantiles[:, 2]


def _histograms(axis: Any, panel: Panel, limit: float) -> None:
    edges = np.linspace(-limit, limit, 41)
    for residual, colour in ((panel.before, BEFORE), (panel.after, AFTER)):
        axis.hist(residual, edges, orientation="horizontal", histtype="step", color=colour, lw=1.3)
    axis.axhline(0.0, color=FAINT, lw=0.8)
    axis.set_xticks([])
    axis.tick_params(labelleft=False)


def _summary(title: str, residual: Floats, parameter: str) -> str:
    digits = 0 if parameter == "teff" else 3
    return f"{title}: {np.median(residual):+.{digits}f} ± {scatter(residual):.{digits}f}  (n = {len(residual)})"
