"""The conformal step makes intervals hold what they promise on stars that were not used for it."""

import numpy as np
import pytest

from app.science.calibration.cells import ONE_CELL
from app.science.calibration.conformal import Tails, conformalize


def test_a_skewed_band_that_is_too_narrow_becomes_right_in_each_tail():
    rng = np.random.default_rng(5)

    def draw(n):
        return rng.gamma(2.0, 1.0, n)

    narrow = np.tile([1.5, 1.68, 1.9], (4000, 1))
    shifts = conformalize(narrow, draw(4000))
    fresh = draw(40_000)
    band = Tails(ONE_CELL, (shifts,)).apply(np.tile([1.5, 1.68, 1.9], (40_000, 1)), np.zeros((40_000, 1)))
    assert np.mean(fresh < band[:, 0]) == pytest.approx(0.16, abs=0.02)
    assert np.mean(fresh > band[:, 2]) == pytest.approx(0.16, abs=0.02)


def test_a_right_band_is_left_alone():
    rng = np.random.default_rng(6)
    right = np.tile([-0.99446, 0.0, 0.99446], (20_000, 1))
    shifts = conformalize(right, rng.normal(size=20_000))
    assert abs(shifts.lower) < 0.03
    assert abs(shifts.upper) < 0.03


def test_too_few_stars_are_refused():
    with pytest.raises(ValueError, match="5 stars are too few"):
        conformalize(np.zeros((5, 3)), np.zeros(5))
