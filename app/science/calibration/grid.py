"""The bias of a survey tabulated over its features, so that millions of stars can be inverted in seconds.

Trees make the bias a staircase and cost microseconds a star; on a grid with multilinear interpolation it is
continuous and costs nanoseconds. Nodes are denser where the training stars are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel
from app.science.calibration.features import FeatureSpace

STELLAR_NODES = (40, 28, 28)
NUISANCE_NODES = 5
FEATURES = 5
BATCH = 200_000


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


def grid_axes(space: FeatureSpace, training: Floats) -> list[Floats]:
    """Return the node positions of each feature, for training features (n, k)."""
    counts = [*STELLAR_NODES, *[NUISANCE_NODES] * len(space.nuisance)]
    return [_nodes(training[:, i], space.lowest[i], space.highest[i], count) for i, count in enumerate(counts)]


def tabulate(models: tuple[BiasModel, ...], axes: list[Floats]) -> BiasGrid:
    """Evaluate the models of Teff, log g and [Fe/H] on the grid of `axes`."""
    padded = axes + [np.zeros(1)] * (FEATURES - len(axes))
    sizes = np.array([len(axis) for axis in padded], dtype=np.int64)
    mesh = np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")], axis=1)
    values = np.empty((len(mesh), 3 * len(models)), dtype=np.float32)
    for start in range(0, len(mesh), BATCH):
        part = mesh[start : start + BATCH]
        values[start : start + BATCH] = np.hstack([model.quantiles(part) for model in models])
    return BiasGrid(np.concatenate(padded), sizes, values)


def _nodes(training: Floats, lowest: float, highest: float, count: int) -> Floats:
    """Return `count` rising positions, half of them spread evenly and half by the stars."""
    if highest <= lowest:
        return np.array([lowest])
    seen = np.clip(training[~np.isnan(training)], lowest, highest)
    fraction = np.linspace(0.0, 1.0, 513)
    place = np.linspace(lowest, highest, 513)
    cumulative = 0.5 * fraction + 0.5 * np.searchsorted(np.sort(seen), place, side="right") / len(seen)
    cumulative = (cumulative - cumulative[0]) / (cumulative[-1] - cumulative[0])
    return np.unique(np.interp(np.linspace(0.0, 1.0, count), cumulative, place))
