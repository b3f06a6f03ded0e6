"""Changes of known size are counted where they belong, and their quantiles are known to 1 %."""

import numpy as np
import pytest
from scipy import stats

from app.science.validation.diff import (
    QUANTILES,
    Moves,
    Tally,
    kind_edges,
    kinds_of,
    region_edges,
    regions_of,
)


def moves(change, pull=1.0):
    before = np.tile([5000.0, 3.0, -0.5], (len(change), 1))
    return Moves(before, before + change, np.full_like(before, pull))


def test_quantiles_of_changes_over_many_orders_of_magnitude():
    rng = np.random.default_rng(1)
    scales = np.array([40.0, 0.05, 0.0004])
    tally = Tally(1, sigma=3.0)
    for _ in range(4):
        tally.add(moves(scales * (0.5 + rng.normal(size=(50_000, 3)))), np.zeros(50_000, dtype=int))
    for p, scale in enumerate(scales):
        found = np.array(tally.spread(p, 0).quantiles)
        expected = scale * (0.5 + stats.norm.ppf(QUANTILES))
        assert np.all(np.abs(found - expected) < 0.01 * np.abs(expected) + 0.02 * scale)
        assert tally.spread(p, 0).n == 200_000


def test_groups_are_kept_apart_and_a_negative_one_is_none():
    tally = Tally(3, sigma=2.0)
    tally.add(moves(np.array([[1.0] * 3, [2.0] * 3, [5.0] * 3, [9.0] * 3]), pull=2.5), np.array([0, 0, 2, -1]))
    assert [tally.spread(0, group).n for group in range(3)] == [2, 0, 1]
    assert [tally.spread(0, group).beyond for group in range(3)] == [2, 0, 1]
    assert tally.spread(0, 2).quantiles[2] == pytest.approx(5.0, rel=0.01)
    assert np.isnan(tally.spread(0, 1).quantiles).all()


def test_stars_that_did_not_move_say_exactly_zero():
    tally = Tally(1, sigma=3.0)
    tally.add(moves(np.zeros((10, 3)), pull=0.0), np.zeros(10, dtype=int))
    assert tally.spread(1, 0).quantiles == (0.0,) * 5
    assert tally.spread(1, 0).beyond == 0


def test_a_value_that_is_missing_on_one_side_is_no_change():
    tally = Tally(1, sigma=3.0)
    gone = moves(np.array([[1.0, np.nan, 1.0]]))
    tally.add(Moves(gone.before, gone.after, np.where(np.isnan(gone.after), np.nan, 9.0)), np.zeros(1, dtype=int))
    assert [tally.spread(p, 0).n for p in range(3)] == [1, 0, 1]
    assert [tally.spread(p, 0).beyond for p in range(3)] == [1, 0, 1]


def test_every_place_on_the_sky_lies_in_the_region_whose_edges_hold_it():
    rng = np.random.default_rng(2)
    ra, dec = np.append(rng.uniform(0, 360, 500), [0, 0, 359.99]), np.append(rng.uniform(-90, 90, 500), [-90, 90, 0])
    edges = np.array(region_edges())[regions_of(ra, dec)]
    assert np.all((edges[:, 0] <= ra) & (ra < edges[:, 1]))
    assert np.all((edges[:, 2] <= dec) & ((dec < edges[:, 3]) | (dec == 90)))


def test_kinds_are_bins_with_open_ends():
    for p, values in enumerate(([2000.0, 4700.0, 30_000.0], [-1.0, 2.0, 6.0], [-5.0, -0.2, 0.7])):
        edges = kind_edges(p)
        places = kinds_of(np.array([*values, np.nan]), p)
        assert (places[0], places[2], places[3]) == (0, len(edges) - 1, -1)
        lowest, highest = edges[places[1]]
        assert lowest <= values[1] < highest
