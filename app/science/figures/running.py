"""Residuals as points with their running median: the common part of offset and trend figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.figures.style import FAINT, INK
from app.science.robust import scatter

MOST_POINTS = 4_000
RUNNING_BINS = 15
FEWEST_A_BIN = 20


def running_quantiles(x: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return centres (bins,) and the 16, 50, 84 % quantiles of the residuals (bins, 3), in bins of equal numbers.

    >>> centres, quantiles = running_quantiles(np.arange(40.0), np.ones(40))
    >>> centres.tolist(), quantiles[:, 1].tolist()
    ([9.5, 29.5], [1.0, 1.0])
    """
    bins = int(np.clip(len(x) // FEWEST_A_BIN, 1, RUNNING_BINS))
    parts = np.array_split(np.argsort(x, kind="stable"), bins)
    centres = np.array([np.median(x[part]) for part in parts])
    return centres, np.array([np.quantile(residual[part], [0.16, 0.5, 0.84]) for part in parts])


def draw_residuals(axis: Any, x: Floats, residual: Floats, colour: str) -> None:
    """Draw points, the zero line, the running median and the band that holds 68 % of the stars, all (n,)."""
    good = np.isfinite(x) & np.isfinite(residual)
    x, residual = x[good], residual[good]
    axis.axhline(0.0, color=INK, lw=0.7, zorder=1)
    if len(x) == 0:
        return
    chosen = spread_out(len(x), MOST_POINTS)
    alpha = float(np.clip(12 / np.sqrt(len(chosen)), 0.12, 0.6))
    size = 4.5 if len(chosen) < 300 else 2.6
    style: dict[str, Any] = {"color": colour, "rasterized": True, "mew": 0}
    axis.plot(x[chosen], residual[chosen], ".", ms=size, alpha=alpha, zorder=2, **style)
    centres, quantiles = running_quantiles(x, residual)
    if len(centres) < 2:
        return
    axis.fill_between(centres, quantiles[:, 0], quantiles[:, 2], color=colour, alpha=0.25, lw=0, zorder=3)
    axis.plot(centres, quantiles[:, 1], color="white", lw=3.0, zorder=4)
    axis.plot(centres, quantiles[:, 1], color=INK, lw=1.5, zorder=5)


def draw_marginal(axis: Any, residuals: dict[str, Floats], limit: float) -> None:
    """Draw histograms (by colour) of residuals along a shared vertical axis, without numbers."""
    edges = np.linspace(-limit, limit, 41)
    for colour, residual in residuals.items():
        inside = residual[np.isfinite(residual)]
        axis.hist(inside, edges, orientation="horizontal", histtype="stepfilled", color=colour, alpha=0.25)
        axis.hist(inside, edges, orientation="horizontal", histtype="step", color=colour, lw=1.2)
    axis.axhline(0.0, color=FAINT, lw=0.7)
    axis.set_xticks([])
    axis.tick_params(labelleft=False)
    axis.spines["bottom"].set_visible(False)


def summary(residual: Floats, parameter: str) -> str:
    """Return median, scatter (1.48 MAD) and number of residuals (n,) in the parameter's unit.

    >>> summary(np.array([9.0, 10.0, 11.0]), "teff")
    'median +10, scatter 1 K, n = 3'
    """
    digits, unit = (0, "K") if parameter == "teff" else (3, "dex")
    median = round(float(np.median(residual)), digits) + 0.0  # no minus before a zero
    return f"median {median:+.{digits}f}, scatter {scatter(residual):.{digits}f} {unit}, n = {len(residual)}"


def spread_out(n: int, most: int) -> Integers:
    """Return at most `most` of n places, evenly spread.

    >>> spread_out(5, 3).tolist()
    [0, 2, 4]
    """
    return np.linspace(0, n - 1, min(n, most)).astype(np.int64)
