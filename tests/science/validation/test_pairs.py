"""Pairs recover a known offset, scatter and trend; cross-fitted stars are judged by models that never saw them."""

import numpy as np
import pytest

from app.science.calibration.settings import FitSettings
from app.science.validation.cross_fit import cross_fit
from app.science.validation.pairs import SurveyValues, compare, one_per_star
from tests.support.links import NOISE, invented_links


def values(star, value, raw_offset=0.0):
    n = len(star)
    return SurveyValues(star, value + raw_offset, value, np.full(n, 0.1), np.ones(n, dtype=bool))


def test_offset_scatter_and_pull_before_and_after():
    rng = np.random.default_rng(1)
    star = np.arange(3000)
    truth = rng.uniform(-1, 0.5, 3000)
    mine = values(star, truth + 0.1 * rng.normal(size=3000), raw_offset=0.25)
    theirs = values(star[500:], (truth + 0.1 * rng.normal(size=3000))[500:])
    pair = compare("a", "b", "feh", mine, theirs, rng=rng)
    assert pair.after.n == 2500
    assert pair.before.median == pytest.approx(0.25, abs=0.01)
    assert abs(pair.after.median) < 3 * pair.after.median_error
    assert pair.after.scatter == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
    assert pair.pull_width == pytest.approx(1.0, rel=0.05)
    assert len(pair.bins_after) == 5


def test_too_few_common_stars_are_no_pair():
    rng = np.random.default_rng(1)
    assert (
        compare("a", "b", "feh", values(np.arange(5), np.ones(5)), values(np.arange(3, 9), np.ones(6)), rng=rng) is None
    )


def test_spectra_of_a_star_count_once():
    star = np.array([9, 4, 9, 4, 5])
    raw = np.array([1.0, 5.0, 3.0, np.nan, 7.0])
    everything = np.ones(5, dtype=bool)
    result = one_per_star(star, raw, raw + 10, np.ones(5), everything, np.array([True, True, True, True, False]))
    assert result.star.tolist() == [4, 9]
    assert result.raw.tolist() == [5.0, 2.0]
    assert result.value.tolist() == [15.0, 12.0]
    assert result.error.tolist() == pytest.approx([1.0, 1 / np.sqrt(2)])


def test_cross_fitting_judges_every_star_and_removes_the_bias():
    links = invented_links(900, repeats=2)
    nothing = np.full_like(links.reported, np.nan)
    result = cross_fit(links, nothing, nothing, (False,) * 3, FitSettings(), own_error=np.full(3, np.nan))
    residual = result.value - links.reference
    assert np.isfinite(residual).all()
    assert np.abs(np.median(residual, axis=0)) == pytest.approx([0, 0, 0], abs=6)
    assert (residual.std(axis=0) < 1.6 * NOISE).all()


def test_an_outlying_star_does_not_pull_its_own_prediction():
    """The judge of a star must not have seen it: spoiling one star leaves its cross-fitted correction as it was."""
    links = invented_links(400)
    nothing = np.full_like(links.reported, np.nan)
    spoiled = links.reference.copy()
    spoiled[17] += [500, 1.0, 0.5]
    other = type(links)(**(vars(links) | {"reference": spoiled}))
    one, two = (
        cross_fit(each, nothing, nothing, (False,) * 3, FitSettings(), own_error=np.full(3, np.nan)).value[17]
        for each in (links, other)
    )
    assert np.array_equal(one, two)
