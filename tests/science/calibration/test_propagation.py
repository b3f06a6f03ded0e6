"""A survey's errors through the inversion: exact where the answer is known, the same for a star in any company."""

import numpy as np
import pytest
from scipy.special import ndtri

from app.science.calibration.grid import BiasGrid
from app.science.calibration.inversion import invert
from app.science.calibration.propagation import propagate

AXES = [np.linspace(3500, 7000, 71), np.linspace(0, 5, 101), np.linspace(-2.5, 0.5, 61), np.zeros(1), np.zeros(1)]
BELOW, ABOVE = np.array([60.0, 0.15, 0.08]), np.array([50.0, 0.18, 0.07])
TOGETHER = np.array([[1.0, 0.5, 0.6], [0.5, 1.0, 0.3], [0.6, 0.3, 1.0]])
ONE_ERROR = ndtri(0.84)


def grid_of(bias, axes=AXES):
    mesh = np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], axis=1)
    median = bias(mesh[:, :3])
    values = np.stack([median - BELOW, median, median + ABOVE], axis=2).reshape(len(mesh), 9)
    return BiasGrid(np.concatenate(axes), np.array([len(axis) for axis in axes]), values.astype(np.float32))


def straight(t):
    return np.column_stack(
        [30 + 0.2 * (t[:, 0] - 5000), 0.1 + 0.0003 * (t[:, 0] - 5000) - 0.1 * (t[:, 1] - 3), 0.05 + 0.2 * t[:, 2]]
    )


def bent(t):
    """Steepen and flatten log g by turns, as red giants that saturate do; t + b(t) rises everywhere."""
    return np.column_stack([0 * t[:, 0], 0.12 * np.sin(6 * t[:, 1]), 0 * t[:, 2]])


def stars(n, seed=1):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(4000, 6500, n), rng.uniform(1, 4, n), rng.uniform(-2, 0.2, n)])


def carried(bias, value, *, below=BELOW, above=ABOVE, correlation=TOGETHER, grid=None, number=None, seed=1, **settings):
    n = len(value)
    return propagate(
        grid_of(bias) if grid is None else grid,
        value,
        np.zeros((n, 2)),
        np.broadcast_to(below, (n, 3)),
        np.broadcast_to(above, (n, 3)),
        correlation,
        seed=seed,
        number=np.arange(n) if number is None else number,
        **settings,
    )


def exact_ends(value):
    """Return the 16 and 84 % points of log g: t + b(t) rises, so that percentiles go through its inverse."""
    fine = np.linspace(0, 5, 200_001)
    reported = fine + 0.12 * np.sin(6 * fine)
    x = value[:, 1] + 0.12 * np.sin(6 * value[:, 1])
    ends = [np.interp(x + step, reported, fine) for step in (-ONE_ERROR * ABOVE[1], ONE_ERROR * BELOW[1])]
    return value[:, 1] - ends[0], ends[1] - value[:, 1]


def test_a_straight_bias_gives_the_closed_form_of_the_inversion():
    truth = stars(300)
    nothing = np.full_like(truth, np.nan)
    grid = grid_of(straight)
    solved = invert(
        grid, truth + straight(truth), np.zeros((300, 2)), nothing, nothing,
        correlation=TOGETHER,
    )  # fmt: skip
    found = carried(straight, solved.value, grid=grid)
    np.testing.assert_allclose(found.minus, solved.minus, rtol=0.01)
    np.testing.assert_allclose(found.plus, solved.plus, rtol=0.01)
    assert found.settled.all()
    assert not found.bent.any()


def test_draws_of_a_straight_bias_give_the_closed_form_too():
    plain, drawn = (carried(straight, stars(100), straight=limit) for limit in (np.inf, 0.0))
    assert drawn.bent.all()
    np.testing.assert_allclose(drawn.minus, plain.minus, rtol=0.01)
    np.testing.assert_allclose(drawn.plus, plain.plus, rtol=0.01)
    assert np.abs(drawn.rho - plain.rho).max() < 0.25  # of 32 draws


def test_correlations_of_the_star_are_those_of_its_errors_through_the_slopes():
    inverse = np.linalg.inv(np.array([[1.2, 0, 0], [0.0003, 0.9, 0], [0, 0, 1.2]]))
    size = 0.5 * (BELOW + ABOVE)
    covariance = inverse @ (TOGETHER * np.outer(size, size)) @ inverse.T
    expected = [covariance[i, j] / np.sqrt(covariance[i, i] * covariance[j, j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(carried(straight, stars(50)).rho, np.tile(expected, (50, 1)), atol=0.01)
    many = carried(straight, stars(50), straight=0.0, draws=1024)
    np.testing.assert_allclose(many.rho, np.tile(expected, (50, 1)), atol=0.03)


def test_a_bent_bias_gives_the_exact_percentiles():
    value = stars(400)
    minus, plus = exact_ends(value)
    found = carried(bent, value, correlation=np.eye(3), straight=0.0, draws=512)
    assert found.settled.all()
    np.testing.assert_allclose(found.minus[:, 1], minus / ONE_ERROR, rtol=0.05)
    np.testing.assert_allclose(found.plus[:, 1], plus / ONE_ERROR, rtol=0.05)
    plain = carried(bent, value, correlation=np.eye(3), straight=np.inf)
    assert np.abs(np.log(plain.minus[:, 1] * ONE_ERROR / minus)).max() > 0.2


def test_the_default_draws_are_precise_to_a_few_per_cent_and_more_are_better():
    value = stars(400)
    best = carried(bent, value, straight=0.0, draws=2048)
    errors = [
        np.std(np.log(carried(bent, value, straight=0.0, draws=draws).plus[:, 1] / best.plus[:, 1]))
        for draws in (8, 32, 128)
    ]
    assert errors[1] < 0.05
    assert errors[0] > 1.5 * errors[1] > 1.5 * 1.5 * errors[2]


def test_only_stars_on_bent_parts_are_drawn_and_the_rest_is_as_good_without():
    def partly(t):
        return np.column_stack([0 * t[:, 0], np.where(t[:, 1] < 2, 0.12 * np.sin(6 * t[:, 1]), 0), 0 * t[:, 2]])

    value = stars(600)
    found = carried(partly, value)
    far = value[:, 1] > 2.8
    assert not found.bent[far].any()
    assert found.bent[value[:, 1] < 1.7].mean() > 0.5
    every = carried(partly, value, straight=0.0, draws=512)
    assert np.abs(np.log(found.plus / every.plus)).max() < 0.3
    assert np.median(np.abs(np.log(found.plus / every.plus))) < 0.01


def test_a_star_gets_the_same_interval_in_any_company():
    value, number = stars(60), np.arange(60) + 2**61
    whole = carried(bent, value, number=number, straight=0.0)
    rows = np.random.default_rng(3).permutation(60)[:25]
    part = carried(bent, value[rows], number=number[rows], straight=0.0)
    for name in ("minus", "plus", "rho", "settled", "bent"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])
    other = carried(bent, value, number=number, straight=0.0, seed=2)
    assert (other.plus[:, 1] != whole.plus[:, 1]).mean() > 0.9


def test_intervals_of_a_bent_bias_hold_the_truth():
    rng = np.random.default_rng(5)
    truth = stars(20_000, seed=6)
    z = rng.normal(size=truth.shape) @ np.linalg.cholesky(TOGETHER).T
    reported = truth + bent(truth) + np.where(z > 0, ABOVE, BELOW) * z
    nothing = np.full_like(truth, np.nan)
    grid = grid_of(bent)
    solved = invert(grid, reported, np.zeros((len(truth), 2)), nothing, nothing, correlation=TOGETHER)
    found = carried(bent, solved.value, grid=grid)
    inside = (solved.value[:, 1] > 0.8) & (solved.value[:, 1] < 4.2) & solved.converged
    held = (truth >= solved.value - found.minus) & (truth <= solved.value + found.plus)
    np.testing.assert_allclose(held[inside].mean(axis=0), 0.683, atol=0.012)


def test_a_fold_is_crossed_and_what_is_missing_is_flagged():
    def folded(t):
        return np.column_stack([0 * t[:, 0], -1.6 * np.clip(t[:, 1] - 2.0, 0.0, 0.4), 0 * t[:, 2]])

    value = np.tile([5000.0, 2.2, -0.5], (50, 1))
    value[0, 1] = np.nan
    for limit in (0.0, np.inf):
        found = carried(folded, value, straight=limit)
        assert found.settled.tolist() == [False] + 49 * [True]
        assert (found.minus[1:] > 0).all()
        assert (found.plus[1:] > 0).all()
        assert np.isfinite(found.rho[1:]).all()
        assert np.isnan(found.plus[0, 1])


def test_nuisance_features_choose_the_bias():
    axes = [*AXES[:3], np.array([1.0, 2.0]), np.array([10.0, 14.0])]
    mesh = np.stack([m.ravel() for m in np.meshgrid(*axes, indexing="ij")], axis=1)
    median = np.column_stack(
        [0.5 * (mesh[:, 3] - 1) * (mesh[:, 4] - 10) / 4 * (mesh[:, 0] - 5000), *(2 * [0 * mesh[:, 0]])]
    )
    values = np.stack([median - BELOW, median, median + ABOVE], axis=2).reshape(len(mesh), 9)
    grid = BiasGrid(np.concatenate(axes), np.array([len(axis) for axis in axes]), values.astype(np.float32))
    value = np.tile([5000.0, 2.5, -0.5], (4, 1))
    nuisance = np.array([[1.0, 10.0], [2.0, 14.0], [1.5, 12.0], [3.0, 20.0]])
    found = propagate(
        grid, value, nuisance, np.tile(BELOW, (4, 1)), np.tile(BELOW, (4, 1)), np.eye(3), seed=1, number=np.arange(4)
    )
    np.testing.assert_allclose(found.plus[:, 0], BELOW[0] / (1 + 0.5 * np.array([0, 1, 0.25, 1])), rtol=1e-3)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="powers of two, got 30"):
        carried(straight, stars(2), draws=30)
    with pytest.raises(ValueError, match="correlation: is not positive definite"):
        carried(straight, stars(2), correlation=np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]))
