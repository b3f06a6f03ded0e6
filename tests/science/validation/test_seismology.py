"""Log g against asteroseismology recovers a known offset, slope and error, and says whose the offset is."""

import numpy as np
import pytest

from app.science.validation.seen import Seen, seen
from app.science.validation.seismology import compare_logg, on_the_same_stars

N = 4000
ERROR = 0.1


@pytest.fixture
def sky():
    """Stars with seismic log g; one survey 0.4 off before and 0.05 after calibration, with a slope; one 0.05 off."""
    rng = np.random.default_rng(5)
    star = rng.permutation(3 * N)[:N]
    logg = rng.uniform(0.8, 3.2, N)
    value = logg + 0.05 - 0.1 * (logg - 2) + ERROR * rng.normal(size=N)
    return star, logg, survey(star, value + 0.35, value), survey(star[::2], (logg + 0.05)[::2], (logg + 0.05)[::2])


def survey(star, raw, value):
    wide = np.full((len(star), 3), np.nan)
    columns = [wide.copy(), wide.copy(), np.full((len(star), 3), ERROR)]
    columns[0][:, 1], columns[1][:, 1] = raw, value
    return seen(star, star % 5 == 0, *columns, np.ones((len(star), 3), bool))


def test_offset_scatter_slope_and_pulls(sky):
    star, logg, mine, _ = sky
    result = compare_logg(mine, star, logg, np.zeros(N), rng=np.random.default_rng(1))
    assert result.after.n == N
    assert result.after.median == pytest.approx(0.05, abs=3 * result.after.median_error)
    assert result.before.median - result.after.median == pytest.approx(0.35, abs=0.01)
    assert result.slope_after.slope == pytest.approx(-0.1, abs=3 * result.slope_after.error)
    assert result.slope_after.error < 0.01
    assert result.test.n == int((star % 5 == 0).sum())
    flat = compare_logg(survey(star, logg, logg + ERROR * np.random.default_rng(2).normal(size=N)), star, logg,
                        np.zeros(N), rng=np.random.default_rng(1))  # fmt: skip
    assert flat.pull_width == pytest.approx(1.0, abs=0.05)
    assert flat.within == pytest.approx(0.683, abs=0.025)


def test_bins_follow_the_slope_and_hold_every_star(sky):
    star, logg, mine, _ = sky
    bins = compare_logg(mine, star, logg, np.zeros(N), rng=np.random.default_rng(1)).bins
    assert sum(one.after.n for one in bins) == N
    for one in bins:
        middle = (max(one.lowest, 0.8) + min(one.highest, 3.2)) / 2
        assert one.after.median == pytest.approx(0.05 - 0.1 * (middle - 2), abs=4 * one.after.median_error)


def test_the_error_of_asteroseismology_counts(sky):
    star, logg, mine, _ = sky
    wide = compare_logg(mine, star, logg, np.full(N, 1.0), rng=np.random.default_rng(1))
    assert wide.pull_width < 0.15


def test_whose_offset_it_is(sky):
    star, logg, mine, other = sky
    both = on_the_same_stars(mine, other, star, logg, rng=np.random.default_rng(1))
    assert both.n == N // 2
    assert both.other.median == pytest.approx(0.05, abs=1e-9)
    assert both.survey_minus_other.median == pytest.approx(0.0, abs=3 * both.survey_minus_other.median_error)


def test_no_common_star_is_no_offset(sky):
    star, logg, mine, _ = sky
    nothing = compare_logg(mine, star + 10 * N, logg, np.zeros(N), rng=np.random.default_rng(1))
    assert nothing.after.n == 0
    assert nothing.bins == []


def test_values_that_the_product_does_not_use_are_left_out():
    values = np.ones((4, 3))
    used = np.ones((4, 3), bool)
    used[0, 1] = used[3, 1] = False
    one = seen(np.array([2, 2, 5, 9]), np.zeros(4, bool), values, values, values, used)
    assert isinstance(one, Seen)
    assert one.star.tolist() == [2, 5, 9]
    assert np.isfinite(one.value[:, 1]).tolist() == [True, True, False]
    assert one.error[0].tolist() == pytest.approx([1 / np.sqrt(2), 1, 1 / np.sqrt(2)])
