"""Smooth functions of one variable, from which biases and noise levels are put together."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from app.science.arrays import Floats


def through(nodes: tuple[tuple[float, float], ...], x: Floats) -> Floats:
    """Return the monotone cubic (Fritsch & Carlson 1980) through (x, y) nodes at x, constant beyond the ends.

    >>> through(((0.0, 1.0), (1.0, 3.0)), np.array([-5.0, 0.5, 9.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    places, values = np.array(nodes, dtype=np.float64).T
    return np.asarray(PchipInterpolator(places, values)(np.clip(x, places[0], places[-1])), dtype=np.float64)


def step(x: Floats, at: float, width: float) -> Floats:
    """Return a rise from 0 to 1 around `at`: the logistic function of (x - at) / width.

    >>> step(np.array([0.0]), 0.0, 1.0).tolist()
    [0.5]
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * (x - at) / width)), dtype=np.float64)
