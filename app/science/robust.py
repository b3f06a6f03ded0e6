"""Statistics that a few bad rows cannot spoil: median, scatter (1.48 MAD), their bootstrap errors, binned medians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats

MAD_TO_SIGMA = 1.482602218505602
"""1 / Phi^-1(3/4): makes the median absolute deviation an estimate of a Gaussian sigma."""

REFERENCE_BIN_EDGES = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
"""Quantiles of the reference's value between which residuals are judged."""


def scatter(values: Floats) -> float:
    """Return 1.4826 times the median absolute deviation from the median, NaN for no values.

    >>> round(scatter(np.array([1.0, 2.0, 3.0, 4.0, 100.0])), 4)
    1.4826
    """
    if len(values) == 0:
        return float("nan")
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


@dataclass(frozen=True)
class Residuals:
    """Location and scatter of residuals with their bootstrap standard errors."""

    n: int
    median: float
    median_error: float
    scatter: float
    scatter_error: float


def summarize(values: Floats, *, rng: np.random.Generator, draws: int = 400) -> Residuals:
    """Return median and scatter of `values` (n,) with bootstrap errors; NaN where n is too small to say.

    >>> summarize(np.zeros(10), rng=np.random.default_rng(1)).median_error
    0.0
    """
    n = len(values)
    if n == 0:
        return Residuals(0, *(float("nan"),) * 4)
    centre, width = float(np.median(values)), scatter(values)
    if n < 3:
        return Residuals(n, centre, float("nan"), width, float("nan"))
    sample = values[rng.integers(0, n, size=(draws, n))] if n * draws <= 800_000 else None
    if sample is None:  # above 2,000 values: the asymptotic errors of median and MAD
        return Residuals(n, centre, 1.2533 * width / np.sqrt(n), width, 1.1664 * width / np.sqrt(n))
    medians = np.median(sample, axis=1)
    widths = MAD_TO_SIGMA * np.median(np.abs(sample - medians[:, None]), axis=1)
    return Residuals(n, centre, float(medians.std(ddof=1)), width, float(widths.std(ddof=1)))


@dataclass(frozen=True)
class Bin:
    """The median residual of the stars whose reference value lies in [lowest, highest)."""

    lowest: float
    highest: float
    n: int
    median: float
    error: float


def binned_medians(
    residuals: Floats,
    reference: Floats,
    *,
    rng: np.random.Generator,
    quantiles: tuple[float, ...] = REFERENCE_BIN_EDGES,
) -> list[Bin]:
    """Return median residuals (n,) in quantile bins of `reference` (n,), each with its bootstrap error.

    >>> [b.n for b in binned_medians(np.zeros(100), np.arange(100.0), rng=np.random.default_rng(1))]
    [10, 20, 40, 20, 10]
    """
    if len(reference) < 2 * len(quantiles):
        return []
    edges = np.quantile(reference, quantiles)
    place = np.clip(np.searchsorted(edges, reference, side="right") - 1, 0, len(edges) - 2)
    bins = []
    for k in range(len(edges) - 1):
        inside = summarize(residuals[place == k], rng=rng)
        bins.append(Bin(float(edges[k]), float(edges[k + 1]), inside.n, inside.median, inside.median_error))
    return bins
