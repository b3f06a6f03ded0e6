"""The red clump of one survey: where core-helium burning stars pile up, and how narrow they make it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats

LOGG_WINDOW = (1.8, 3.3)
TEFF_WINDOW = (4200.0, 5500.0)
EDGE = 0.25
"""A pile-up nearer than this to an end of the window is an end of the sample, not the clump."""
HALF_WIDTH = {"logg": 0.45, "teff": 350.0}
FEWEST = 60
HISTOGRAM_BINS = 90
DRAWS = 100
ITERATIONS = 60


@dataclass(frozen=True)
class Peak:
    """Position and Gaussian width of a pile-up, with bootstrap errors; `share` of the window's stars are in it."""

    n: int
    position: float
    position_error: float
    width: float
    width_error: float
    share: float


@dataclass(frozen=True)
class RedClump:
    """The clump in log g and in Teff (K)."""

    logg: Peak
    teff: Peak


def find_clump(teff: Floats, logg: Floats, *, rng: np.random.Generator) -> RedClump | None:
    """Return the red clump of giants, None where there are too few or where they pile up at an end of the window.

    A Gaussian on a uniform background is fitted by expectation maximization to the histogram in a window around the
    mode; the window is wide (log g 1.8-3.3, Teff 4200-5500 K) so that a survey 0.4 off still has its clump inside. The
    first-ascent branch is the background; it makes the width an upper limit.

    Args:
        teff: K, (n,).
        logg: (n,).
        rng: for bootstrap errors.

    >>> rng = np.random.default_rng(1)
    >>> clump = find_clump(rng.normal(4850, 80, 900), rng.normal(2.45, 0.08, 900), rng=rng)
    >>> abs(clump.logg.position - 2.45) < 3 * clump.logg.position_error
    True
    """
    giants = _between(logg, LOGG_WINDOW) & _between(teff, TEFF_WINDOW)
    if giants.sum() < FEWEST:
        return None
    gravity = find_peak(logg[giants], HALF_WIDTH["logg"], rng=rng)
    if not LOGG_WINDOW[0] + EDGE <= gravity.position <= LOGG_WINDOW[1] - EDGE:
        return None
    near = giants & (np.abs(logg - gravity.position) < 2.5 * gravity.width)
    if near.sum() < FEWEST:
        return None
    return RedClump(gravity, find_peak(teff[near], HALF_WIDTH["teff"], rng=rng))


def find_peak(values: Floats, half_width: float, *, rng: np.random.Generator) -> Peak:
    """Return the Gaussian peak of `values` (n,) within `half_width` of their mode."""
    mode = _mode(values, half_width)
    inside = values[np.abs(values - mode) < half_width]
    edges = np.linspace(mode - half_width, mode + half_width, HISTOGRAM_BINS + 1)
    counts = np.histogram(inside, edges)[0].astype(np.float64)
    drawn = rng.poisson(counts, size=(DRAWS, HISTOGRAM_BINS)).astype(np.float64)
    position, width, share = _mixture(np.vstack([counts, drawn]), edges)
    return Peak(
        n=len(inside),
        position=float(position[0]),
        position_error=float(position[1:].std(ddof=1)),
        width=float(width[0]),
        width_error=float(width[1:].std(ddof=1)),
        share=float(share[0]),
    )


def _mode(values: Floats, half_width: float) -> float:
    """Return the mode of a histogram that is smoothed by a Gaussian of a quarter of the half width."""
    edges = np.linspace(values.min(), values.max() + 1e-9, 241)
    counts = np.histogram(values, edges)[0]
    step = edges[1] - edges[0]
    offsets = np.arange(-240, 241) * step
    kernel = np.exp(-0.5 * (offsets / (0.25 * half_width)) ** 2)
    smooth = np.convolve(counts, kernel)[240:480]
    return float(edges[int(np.argmax(smooth))] + 0.5 * step)


def _mixture(counts: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit a Gaussian and a uniform background to histograms (k, bins): positions, widths and shares, (k,) each."""
    centres, step = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
    full = edges[-1] - edges[0]
    position = np.full(len(counts), 0.5 * (edges[0] + edges[-1]))
    width, share = np.full(len(counts), full / 10), np.full(len(counts), 0.5)
    total = counts.sum(axis=1)
    for _ in range(ITERATIONS):
        z = (centres - position[:, None]) / width[:, None]
        peak = share[:, None] * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * width[:, None])
        belongs = counts * peak / (peak + (1 - share[:, None]) / full)
        inside = np.maximum(belongs.sum(axis=1), 1e-9)
        position = (belongs * centres).sum(axis=1) / inside
        spread = (belongs * (centres - position[:, None]) ** 2).sum(axis=1) / inside
        width = np.sqrt(np.maximum(spread - step**2 / 12, step**2 / 4))  # Sheppard's correction for the bins
        share = np.clip(inside / total, 1e-3, 1 - 1e-3)
    return position, width, share


def _between(values: Floats, window: tuple[float, float]) -> Booleans:
    return (values >= window[0]) & (values < window[1])
