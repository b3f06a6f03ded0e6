"""The inversion finds the star that a survey with a known bias must have seen, with its interval."""

import numpy as np
import pytest

from app.science.calibration.grid import BiasGrid
from app.science.calibration.inversion import invert

AXES = [np.linspace(3500, 7000, 60), np.linspace(0, 5, 40), np.linspace(-2.5, 0.5, 40), np.zeros(1), np.zeros(1)]
HALF = np.array([40.0, 0.1, 0.05])


def grid_of(bias):
    mesh = np.stack([m.ravel() for m in np.meshgrid(*AXES, indexing="ij")], axis=1)
    median = bias(mesh[:, :3])
    values = np.stack([median - HALF, median, median + HALF], axis=2).reshape(len(mesh), 9)
    return BiasGrid(np.concatenate(AXES), np.array([len(axis) for axis in AXES]), values.astype(np.float32))


def linear(t):
    return np.column_stack(
        [30 + 0.2 * (t[:, 0] - 5000), 0.1 + 0.0001 * (t[:, 0] - 5000) - 0.1 * (t[:, 1] - 3), 0.05 + 0.2 * t[:, 2]]
    )


def stars(n):
    rng = np.random.default_rng(1)
    return np.column_stack([rng.uniform(4000, 6500, n), rng.uniform(1, 4.5, n), rng.uniform(-2, 0.3, n)])


def solve(bias, reported, own=None, **kwargs):
    nothing = np.full_like(reported, np.nan)
    options = {"correlation": np.eye(3)} | kwargs
    quoted = nothing if own is None else own
    return invert(grid_of(bias), reported, np.zeros((len(reported), 2)), quoted, quoted, **options)


def test_a_linear_bias_is_undone_exactly():
    truth = stars(500)
    result = solve(linear, truth + linear(truth))
    assert result.converged.all()
    assert np.abs(result.value - truth).max(axis=0) == pytest.approx([0, 0, 0], abs=0.1)


def test_a_curved_bias_is_undone_to_within_the_grid():
    def curved(t):
        return np.column_stack([60 * np.sin(t[:, 0] / 400), 0.2 * np.exp(-t[:, 1]), 0.1 * np.tanh(2 * (t[:, 2] + 1))])

    truth = stars(2000)
    result = solve(curved, truth + curved(truth))
    assert result.converged.mean() > 0.999
    assert (np.abs(result.value - truth).max(axis=0) < [1.0, 0.005, 0.002]).all()


def test_the_interval_is_the_band_through_the_inverse_slopes():
    truth = stars(50)
    result = solve(linear, truth + linear(truth))
    slopes = np.array([[1.2, 0, 0], [0.0001, 0.9, 0], [0, 0, 1.2]])
    inverse = np.linalg.inv(slopes)
    expected = np.sqrt(np.square(inverse) @ np.square(HALF))
    assert np.allclose(result.minus, expected, rtol=0.02)
    assert np.allclose(result.plus, expected, rtol=0.02)


def test_quoted_errors_replace_the_band_where_they_are_given():
    truth = stars(20)
    own = np.full_like(truth, np.nan)
    own[:, 1] = 0.3
    result = solve(lambda t: 0 * t, truth, own=own)
    assert np.allclose(result.plus, [40, 0.3, 0.05], rtol=0.01)


def test_a_value_that_no_star_of_the_training_range_can_give_is_solved_beyond_it():
    def saturated(t):
        return np.column_stack([0 * t[:, 0], np.minimum(0, 2.0 - t[:, 1]), 0 * t[:, 2]])

    result = solve(saturated, np.array([[5000.0, 2.4, 0.0]]))
    assert result.value[0, 1] > AXES[1][-1]  # where the domain, learnt from training stars, refuses it
