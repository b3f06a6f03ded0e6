"""Figure of log g against asteroseismology: residuals of each survey before and after, with running medians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.arrays import Floats
from app.science.figures.style import AFTER, BEFORE, INK, RC
from app.science.robust import scatter

FEWEST_A_BIN = 10
BINS = 15


@dataclass(frozen=True)
class SeismicPanel:
    """One survey: seismic log g and the residuals before and after, each (n,); NaN where nothing is used."""

    survey: str
    seismic: Floats
    before: Floats
    after: Floats


def draw_seismology(panels: list[SeismicPanel]) -> Figure:
    """Draw survey - seismology against seismic log g, a row a survey, before on the left and after on the right.

    >>> values = np.linspace(1, 3, 60)
    >>> len(draw_seismology([SeismicPanel("a", values, values * 0 + 0.1, values * 0)]).axes)
    2
    """
    with rc_context(RC):
        figure = Figure(figsize=(8.0, 0.6 + 2.1 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 2, squeeze=False, sharex="row", sharey="row")
        for row, panel in zip(axes, panels, strict=True):
            known = np.isfinite(panel.after)
            for axis, residual, colour, side in (
                (row[0], panel.before[known], BEFORE, "before"),
                (row[1], panel.after[known], AFTER, "after"),
            ):
                _residuals(axis, panel.seismic[known], residual, colour)
                summary = f"median {np.median(residual):+.3f}, scatter {scatter(residual):.3f}, n = {len(residual)}"
                axis.set_title(f"{side}: {summary}", fontsize=8.5, color=colour, loc="left")
            both = np.concatenate([panel.before[known], panel.after[known]])
            row[0].set_ylim(*_limits(both))
            row[0].set_ylabel(f"{panel.survey}\n" r"$\Delta \log g$")
        for axis in axes[-1]:
            axis.set_xlabel(r"asteroseismic $\log g$")
    return figure


def _limits(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.01, 0.99])
    return min(float(low) - 0.05, -0.2), max(float(high) + 0.05, 0.2)


def _residuals(axis: Any, seismic: Floats, residual: Floats, colour: str) -> None:
    alpha = float(np.clip(12 / np.sqrt(len(seismic)), 0.12, 0.7))
    axis.plot(seismic, residual, ".", color=colour, ms=4, mew=0, alpha=alpha, rasterized=True)
    axis.axhline(0.0, color=INK, lw=0.8)
    order = np.argsort(seismic, kind="stable")
    parts = np.array_split(order, int(np.clip(len(order) // FEWEST_A_BIN, 1, BINS)))
    centres = [np.median(seismic[part]) for part in parts]
    axis.plot(centres, [np.median(residual[part]) for part in parts], "o-", color=INK, ms=3, lw=1.4)
