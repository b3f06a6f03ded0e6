"""The tabulated bias keeps what the stars show and forgets what the trees say beside them."""

from dataclasses import replace

import numpy as np

from app.science.calibration.bias_model import Kind, fit_bias
from app.science.calibration.features import STELLAR, feature_space
from app.science.calibration.grid import Smoothing, grid_axes, tabulate, without_shift
from app.science.calibration.settings import BoostSettings

REACH = np.array([60.0, 0.08, 0.06])


def thin_model():
    """A bias that follows Teff along a thin sequence, and beside it a step that only the edge stars hint at."""
    rng = np.random.default_rng(1)
    teff = rng.uniform(4500, 6500, 6000)
    off = 0.04 * rng.normal(size=6000)
    stars = np.column_stack([teff, 4.6 - 0.0002 * (teff - 4500) + off, rng.normal(0, 0.2, 6000)])
    target = 0.1 * np.sin((teff - 4500) / 400) - 0.15 * (off > 0.05) + 0.02 * rng.normal(size=6000)
    boost = replace(BoostSettings.for_stars(6000), patience=0, rounds=150)
    space = feature_space(stars, STELLAR)
    return stars, space, fit_bias(Kind.BOOSTED, stars, target, np.ones(6000), space, boost=boost, seed=1)


def across(grid, axes, column):
    """Return the tabulated median on the Teff node nearest 5500 K and the [Fe/H] node nearest 0, over log g."""
    sizes = [len(axis) for axis in axes]
    table = grid.values[:, column].reshape(sizes)
    return table[np.argmin(np.abs(axes[0] - 5500)), :, np.argmin(np.abs(axes[2]))]


def test_steps_narrower_than_the_reference_error_are_smoothed_and_trends_are_kept():
    stars, space, model = thin_model()
    axes = grid_axes(space, stars, (model, model, model))
    rough = tabulate((model, model, model), axes)
    smooth = tabulate((model, model, model), axes, Smoothing(stars[::2], REACH))
    assert np.ptp(across(rough, axes, 1)) > 0.10
    assert np.ptp(across(smooth, axes, 1)) < 0.05
    on_sequence = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    near = (np.abs(on_sequence[:, 1] - 4.6 + 0.0002 * (on_sequence[:, 0] - 4500)) < 0.03) & (
        np.abs(on_sequence[:, 2]) < 0.3
    )
    inner = near & (on_sequence[:, 0] > 4700) & (on_sequence[:, 0] < 6300)
    truth = 0.1 * np.sin((on_sequence[inner, 0] - 4500) / 400) - 0.15 * 0.106
    assert np.abs(smooth.values[inner, 1] - truth).mean() < 0.015


def test_nodes_are_dense_where_the_bias_changes():
    rng = np.random.default_rng(2)
    stars = np.column_stack([rng.uniform(4000, 7000, 4000), rng.uniform(1, 5, 4000), rng.normal(0, 0.3, 4000)])
    target = np.where(stars[:, 0] > 6000, 1.0, 0.0) + 0.05 * rng.normal(size=4000)
    boost = replace(BoostSettings.for_stars(4000), patience=0, rounds=150)
    space = feature_space(stars, STELLAR)
    model = fit_bias(Kind.BOOSTED, stars, target, np.ones(4000), space, boost=boost, seed=1)
    axis = grid_axes(space, stars, (model, model, model))[0]
    assert np.diff(axis).min() < 25.0
    assert abs(axis[np.argmin(np.diff(axis))] - 6000) < 100.0


def skewed(n, *, seed, below=1.0, above=1.44):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return np.where(z > 0, above * z, below * z)


def test_the_shift_that_the_references_noise_gives_a_skewed_error_is_taken_back():
    error = skewed(400_000, seed=3)
    noisy = error + 0.5 * np.random.default_rng(4).normal(size=len(error))
    found = without_shift(np.quantile(noisy, [0.16, 0.5, 0.84])[None], 0.5)[0]
    assert np.median(noisy) > 0.06
    assert abs(found[1]) < 0.03
