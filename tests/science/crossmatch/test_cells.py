"""Ranges of cells around positions hold everything that lies within reach, at RA 0 and at the poles too."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.crossmatch.cells import cell, ranges_around
from app.science.crossmatch.pairs import pairs_within


@pytest.mark.parametrize("seed", range(20))
def test_all_within_reach_is_in_the_ranges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ra = rng.choice([0.0, 359.99, 180.0], 300) + rng.uniform(0, 0.01, 300)
    dec = np.clip(rng.choice([-90.0, -89.9, 0.0, 60.0, 89.95, 90.0], 300) + rng.normal(0, 0.05, 300), -90, 90)
    reach = rng.choice([0.01, 3.0, 30.0, 400.0], 300)
    around = rng.random(300) < 0.1
    low, high = ranges_around(ra[around], dec[around], reach[around])
    assert np.all(low <= high)
    assert np.all(low[1:] > high[:-1] + 1)
    near = pairs_within(ra[around], dec[around], ra, dec, reach[around]).right
    place = np.searchsorted(low, cell(ra, dec)[near], side="right") - 1
    assert np.all(place >= 0)
    assert np.all(cell(ra, dec)[near] <= high[place])


def test_a_small_circle_touches_few_cells_and_a_polar_one_whole_bands() -> None:
    ra, dec = np.array([10.0 + 1 / 120]), np.array([20.0 + 1 / 120])
    low, high = ranges_around(ra, dec, np.array([5.0]))
    assert low.tolist() == high.tolist() == cell(ra, dec).tolist()
    low, high = ranges_around(ra, np.array([90.0]), np.array([61.0]))
    assert (len(low), high[0] - low[0] + 1) == (1, 3 * 21600)
    assert [len(one) for one in ranges_around(np.zeros(0), np.zeros(0), np.zeros(0))] == [0, 0]
