"""Where intervals are too narrow in one region and too wide in another, each gets its own correction."""

import numpy as np
import pytest

from app.science.calibration.cells import ONE_CELL, grow_cells
from app.science.calibration.conformal import conformalize_cells


def draw(n, *, seed):
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 1, (n, 2))
    return place, rng.normal(size=n) * np.where(place[:, 0] > 0.7, 2.0, 1.0)


def held(tails, *, seed=3):
    place, target = draw(60_000, seed=seed)
    band = tails.apply(np.tile([-1.0, 0.0, 1.0], (len(target), 1)), place)
    inside = (target >= band[:, 0]) & (target <= band[:, 2])
    return [inside[place[:, 0] > 0.7].mean(), inside[place[:, 0] <= 0.7].mean()]


def cells_of(smallest):
    place, target = draw(20_000, seed=1)
    below, above = (target < -1).astype(float), (target > 1).astype(float)
    return grow_cells(place, below, above, smallest=smallest)


def test_every_cell_holds_what_it_promises():
    place, target = draw(20_000, seed=2)
    quantiles = np.tile([-1.0, 0.0, 1.0], (len(target), 1))
    assert held(conformalize_cells(quantiles, target, place, cells_of(1000))) == pytest.approx([0.68] * 2, abs=0.02)
    one = held(conformalize_cells(quantiles, target, place, ONE_CELL))
    assert one[0] < 0.52
    assert one[1] > 0.72


def test_cells_are_never_smaller_than_asked_for():
    place, _ = draw(20_000, seed=1)
    cells = cells_of(1500)
    assert cells.count > 1
    assert np.bincount(cells.of(place)).min() >= 1500
    assert cells_of(15_000) is ONE_CELL


def test_a_cell_with_too_few_conformal_stars_gets_the_common_correction():
    place, target = draw(600, seed=4)
    tails = conformalize_cells(np.tile([-1.0, 0.0, 1.0], (600, 1)), target, place, cells_of(1000))
    alone = conformalize_cells(np.tile([-1.0, 0.0, 1.0], (600, 1)), target, place, ONE_CELL).shifts[0]
    counts = np.bincount(tails.cells.of(place), minlength=tails.cells.count)
    assert all(shift == alone for shift, count in zip(tails.shifts, counts, strict=True) if count < 200)
