"""The bias of a survey tabulated over its features, so that millions of stars can be inverted in seconds.

Trees make the bias a staircase and cost microseconds a star; on a grid with multilinear interpolation it is
continuous and costs nanoseconds. Nodes are denser where the training stars are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.spatial import cKDTree

from app.science.arrays import Floats, Integers
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.features import FeatureSpace

STELLAR_NODES = (36, 26, 26)
NUISANCE_NODES = (0, 24, 8)
"""Of each feature beside the stellar ones, where there are none, one or two of them."""
PROBES = 200
FEATURES = 5
NEAREST = 32
"""Anchors whose corrections are averaged."""


@dataclass(frozen=True)
class BiasGrid:
    """Quantiles of the bias in all three parameters on the nodes of a grid.

    Attributes:
        axes: node positions of all features one after the other, (sum of sizes,).
        sizes: nodes per feature, (5,); a feature that the survey lacks has one node.
        values: 16, 50, 84 % quantiles of the bias in Teff, log g, [Fe/H] at each node, (nodes, 9).
    """

    axes: Floats
    sizes: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def grid_axes(space: FeatureSpace, training: Floats, models: tuple[BiasModel, ...]) -> list[Floats]:
    """Return the node positions of each feature, for training features (n, k): denser where stars are and b changes."""
    extra = len(space.nuisance)
    counts = [*STELLAR_NODES, *[NUISANCE_NODES[extra]] * extra]
    probes = space.clip(training[:: max(1, len(training) // PROBES)])
    changes = [partial(_changes, models, probes, i) for i in range(len(counts))]
    return [
        _nodes(training[:, i], space.lowest[i], space.highest[i], count, changes[i]) for i, count in enumerate(counts)
    ]


@dataclass(frozen=True)
class Smoothing:
    """How a tabulated bias is smoothed: over the stars that taught it, not over empty space.

    Across a sequence that is thin against the survey's noise, trees follow what is left of the reference's noise and
    polynomials run away, and the inversion would blow both up. Stars closer than the reference's error are told apart
    by nobody: their corrections are averaged, and beyond the stars the nearest ones speak.

    Attributes:
        anchors: Teff, log g, [Fe/H] of training stars, (a, 3); none for no smoothing.
        reach: width of the kernel, (3,).
    """

    anchors: Floats
    reach: Floats

    def kernel(self, stellar: Floats) -> Kernel | None:
        """Return the averages to take for positions (n, 3), None where there are too few anchors."""
        if len(self.anchors) < NEAREST:
            return None
        found, places = cKDTree(self.anchors / self.reach).query(stellar / self.reach, k=NEAREST)
        squares = np.square(np.asarray(found, dtype=np.float64))
        nearest = squares[:, :1]
        weight = np.exp(-0.5 * (squares - nearest) / np.maximum(1.0, nearest))
        return Kernel(np.asarray(places, dtype=np.int64), weight / weight.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Kernel:
    """For each position its nearest anchors and their weights, both (n, k)."""

    place: Integers
    weight: Floats

    def average(self, values: Floats) -> Floats:
        """Return the weighted means (n, q) of the anchors' values (a, q)."""
        return np.asarray(np.einsum("nk,nkq->nq", self.weight, values[self.place]))


NO_SMOOTHING = Smoothing(np.zeros((0, 3)), np.ones(3))


def tabulate(
    models: tuple[BiasModel, ...],
    axes: list[Floats],
    smoothing: Smoothing = NO_SMOOTHING,
    reference_error: Floats | None = None,
) -> BiasGrid:
    """Evaluate the models of Teff, log g and [Fe/H] on the grid of `axes`.

    Args:
        models: the bias in each parameter.
        axes: node positions of each feature.
        smoothing: over which stars to average.
        reference_error: typical error of the reference that the models were fitted to, (3,).
    """
    error = np.zeros(len(models)) if reference_error is None else reference_error
    padded = axes + [np.zeros(1)] * (FEATURES - len(axes))
    sizes = np.array([len(axis) for axis in padded], dtype=np.int64)
    stellar, nuisance = _mesh(axes[:3]), _mesh(axes[3:])
    values = np.empty((len(stellar), len(nuisance), 3 * len(models)), dtype=np.float32)
    kernel = smoothing.kernel(stellar)
    for number, extra in enumerate(nuisance):
        at, seen = _beside(stellar, extra), _beside(smoothing.anchors, extra)
        for p, model in enumerate(models):
            if kernel is None or model.kind is Kind.IDENTITY:
                found = model.quantiles(at)
            else:
                found = kernel.average(model.quantiles(seen))
            values[:, number, 3 * p : 3 * p + 3] = without_shift(found, error[p])
    return BiasGrid(np.concatenate(padded), sizes, values.reshape(-1, 3 * len(models)))


def without_shift(quantiles: Floats, error: float) -> Floats:
    """Return quantiles (n, 3) of a survey's error, freed of the shift that noise of the reference made of its median.

    Noise added to a skewed error moves its median: two half normals of widths s- and s+ about a median, with noise of
    standard deviation e, have theirs at sqrt(2 / pi) e (s+ - s-) / (s+ + s-), to first order in e.

    >>> without_shift(np.array([[-1.0, 0.0, 3.0]]), 1.0).round(3).tolist()
    [[-1.399, -0.399, 2.601]]
    """
    below, above = quantiles[:, 1] - quantiles[:, 0], quantiles[:, 2] - quantiles[:, 1]
    total = below + above
    skew = np.divide(above - below, total, out=np.zeros_like(total), where=total > 0)
    shifted: Floats = quantiles - (np.sqrt(2.0 / np.pi) * error * skew)[:, None]
    return shifted


def _beside(stellar: Floats, extra: Floats) -> Floats:
    return np.hstack([stellar, np.tile(extra, (len(stellar), 1))])


def _mesh(axes: list[Floats]) -> Floats:
    """Return all positions of a grid, one a row; a single empty row for no axes."""
    if not axes:
        return np.zeros((1, 0))
    return np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")], axis=1)


def _changes(models: tuple[BiasModel, ...], probes: Floats, feature: int, place: Floats) -> Floats:
    """Return how much the biases have changed from place[0] to each place (m,), in their widths, mean over probes."""
    rows = np.repeat(probes, len(place), axis=0)
    rows[:, feature] = np.tile(place, len(probes))
    total = np.zeros(len(place))
    for model in models:
        bias = (model.median(rows) / model.width.at(rows)).reshape(len(probes), len(place))
        total[1:] += np.cumsum(np.abs(np.diff(bias, axis=1)).mean(axis=0))
    return total


def _nodes(training: Floats, lowest: float, highest: float, count: int, changes: Callable[[Floats], Floats]) -> Floats:
    """Return `count` rising positions: a third spread evenly, a third by the stars, a third by the bias's changes."""
    if highest <= lowest:
        return np.array([lowest])
    seen = np.sort(np.clip(training[~np.isnan(training)], lowest, highest))
    place = np.linspace(lowest, highest, 129)
    change = changes(place)
    cumulative = np.linspace(0.0, 1.0, len(place)) + np.searchsorted(seen, place, side="right") / len(seen)
    cumulative = cumulative + change / change[-1] if change[-1] > 0 else cumulative
    cumulative = (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])
    return np.unique(np.interp(np.linspace(0.0, 1.0, count), cumulative, place))
