"""Kiel diagrams of surveys, before and after calibration, on the same axes, with the reference survey's outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from app.science.arrays import Floats
from app.science.figures.style import ACCENT, FAINT, INK, LABELS, RC

TEFF_RANGE, LOGG_RANGE = (3500.0, 7500.0), (-0.2, 5.2)
CELLS = (100, 90)
MOST_SURVEYS = 4


@dataclass(frozen=True)
class KielPanel:
    """One survey: Teff (K) and log g as reported and as calibrated, (n, 2) each; log g of its clump where known."""

    survey: str
    before: Floats
    after: Floats
    clump_before: float | None = None
    clump_after: float | None = None


def draw_kiel(panels: list[KielPanel], outline: Floats, outline_name: str, *, note: str) -> Figure:
    """Draw a column a survey, before above after.

    Args:
        panels: at most four surveys.
        outline: Teff (K) and log g of the reference survey, (m, 2): its densest 50 and 90 % are drawn as contours.
        outline_name: whose they are.
        note: which stars.

    >>> values = np.random.default_rng(1).normal([5000, 3], [300, 0.5], (500, 2))
    >>> len(draw_kiel([KielPanel("a", values, values)], values, "a", note="test stars").axes)
    2
    """
    panels = panels[:MOST_SURVEYS]
    with rc_context(RC):
        figure = Figure(figsize=(0.8 + 2.5 * max(len(panels), 2), 6.2), layout="constrained")
        axes = figure.subplots(2, len(panels), squeeze=False, sharex=True, sharey=True)
        levels = _outline_levels(outline)
        for column, panel in enumerate(panels):
            for row, (values, clump, when) in enumerate(
                ((panel.before, panel.clump_before, "before"), (panel.after, panel.clump_after, "after"))
            ):
                axis = axes[row, column]
                _density(axis, values)
                _outline(axis, levels)
                _clump(axis, clump)
                axis.set_title(f"{panel.survey}, {when}\nn = {len(values)}", fontsize=8.5, loc="left")
        axes[0, 0].set_xlim(*TEFF_RANGE[::-1])
        axes[0, 0].set_ylim(*LOGG_RANGE[::-1])
        for axis in axes[:, 0]:
            axis.set_ylabel(LABELS["logg"])
        for axis in axes[-1]:
            axis.set_xlabel(LABELS["teff"])
        figure.suptitle(
            f"Kiel diagrams ({note}); contours: 50 and 90 % of {outline_name}; triangle: red clump", fontsize=9
        )
    return figure


def _density(axis: Any, values: Floats) -> None:
    """Show few stars as points, many as counts in cells on a logarithmic scale."""
    if len(values) < 600:
        axis.plot(values[:, 0], values[:, 1], ".", ms=3.0, color="#0072B2", alpha=0.6, mew=0, rasterized=True)
        return
    counts, teff, logg = _histogram(values)
    axis.pcolormesh(
        teff,
        logg,
        np.ma.masked_equal(counts.T, 0),
        cmap="cividis_r",
        norm=LogNorm(1, max(counts.max(), 2)),
        rasterized=True,
    )


def _histogram(values: Floats) -> tuple[Floats, Floats, Floats]:
    return np.histogram2d(values[:, 0], values[:, 1], bins=CELLS, range=(TEFF_RANGE, LOGG_RANGE))


def _outline_levels(values: Floats) -> tuple[Floats, Floats, Floats, list[float]] | None:
    counts, teff, logg = _histogram(values)
    if counts.sum() < 200:
        return None
    smooth = gaussian_filter(counts, 2.5)
    falling = np.sort(smooth.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    levels = sorted({float(falling[np.searchsorted(held, share)]) for share in (0.5, 0.9)})
    return 0.5 * (teff[1:] + teff[:-1]), 0.5 * (logg[1:] + logg[:-1]), smooth.T, levels


def _outline(axis: Any, levels: tuple[Floats, Floats, Floats, list[float]] | None) -> None:
    if levels is not None:
        teff, logg, smooth, heights = levels
        axis.contour(teff, logg, smooth, levels=heights, colors=[INK], linewidths=[0.7, 1.1], alpha=0.85)


def _clump(axis: Any, logg: float | None) -> None:
    if logg is not None:
        axis.axhline(logg, color=FAINT, lw=0.6, ls=":")
        axis.plot(TEFF_RANGE[0] + 60, logg, "<", ms=7, color=ACCENT, mec="white", mew=0.6, clip_on=False)
