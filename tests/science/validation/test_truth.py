"""Beside the truth: injected biases, dishonest intervals and blind domains are found, with their size and place."""

import numpy as np
import pytest

from app.science.robust import MAD_TO_SIGMA, scatter
from app.science.validation.corrections import judge_corrections
from app.science.validation.coverage import LEVEL
from app.science.validation.true_cells import EDGES, cell_medians, cell_name, cell_shares, cells_of
from app.science.validation.true_domain import domain_shares
from app.science.validation.truth import gain, true_bias, true_coverage, true_offset
from tests.support.two_surveys import truth_of


def three_cells(n, rng):
    """Return true parameters (n, 3) in three cells of [Fe/H]: a tenth, three tenths and six tenths of the stars."""
    feh = np.where(np.arange(n) < 0.1 * n, -1.8, np.where(np.arange(n) < 0.4 * n, -0.7, 0.1))
    return np.column_stack([np.full(n, 4700.0), np.full(n, 2.4), feh])[rng.permutation(n)]


def test_every_star_has_one_cell_whose_bounds_hold_it():
    truth = np.vstack([truth_of(500), [[3000.0, -0.5, -3.5], [9000.0, 5.5, 0.9], [3500.0, 0.0, -3.0]]])
    cells = cells_of(truth)
    place = np.unravel_index(cells, tuple(len(edges) + 1 for edges in EDGES.values()))
    for k, edges in enumerate(EDGES.values()):
        open_edges = np.array([-np.inf, *edges, np.inf])
        assert (open_edges[place[k]] <= truth[:, k]).all()
        assert (truth[:, k] < open_edges[place[k] + 1]).all()
    assert cell_name(int(cells[-3])) == "Teff <3500, log g <0, [Fe/H] <-3"
    assert cell_name(int(cells[-2])) == "Teff >8000, log g >5, [Fe/H] >0.6"
    assert cell_name(int(cells[-1])) == "Teff 3500..4000, log g 0..1, [Fe/H] -3..-2"


def test_medians_of_cells_are_those_of_numpy_and_small_cells_are_left_out():
    rng = np.random.default_rng(1)
    values, cells = rng.normal(size=5000), rng.choice([3, 8, 9, 40], size=5000, p=[0.5, 0.3, 0.199, 0.001])
    found = cell_medians(values, cells, fewest=100)
    assert found.cell.tolist() == [3, 8, 9]
    for cell, n, median, error in zip(found.cell, found.n, found.median, found.error, strict=True):
        mine = values[cells == cell]
        assert n == len(mine)
        assert median == pytest.approx(np.median(mine), abs=1e-12)
        assert error == pytest.approx(1.2533 * scatter(mine) / np.sqrt(n), rel=1e-9)
    number, n, share = cell_shares(values > 0, cells, fewest=100)
    assert number.tolist() == found.cell.tolist()
    assert n.tolist() == found.n.tolist()
    assert share[1] == (values[cells == 8] > 0).mean()
    nothing = cell_medians(np.zeros(0), np.zeros(0, dtype=int), fewest=1)
    assert len(nothing.median) == 0


def test_a_bias_of_one_cell_is_found_there_with_its_size():
    rng = np.random.default_rng(2)
    truth = three_cells(20_000, rng)
    noise = rng.normal(0, 80, len(truth))
    poor = truth[:, 2] < -1
    found = true_bias(noise + 60, noise + 90 * poor, cells_of(truth), limit=20, fewest=500)
    assert (found.cells, found.beyond, found.worst_n) == (3, 1, 2000)
    assert found.worst_cell == "Teff 4500..5000, log g 2..3, [Fe/H] -2..-1.5"
    assert abs(found.worst_median - 90) < 3 * found.worst_error
    assert found.worst == pytest.approx(found.worst_median - 2 * found.worst_error)
    assert found.cell_before == pytest.approx(60, abs=5)
    assert found.cell_after < 5
    assert found.scatter_before == pytest.approx(80, abs=2)
    rare = true_bias(noise, noise + 90 * poor, cells_of(truth), limit=20, fewest=2001)
    assert (rare.cells, rare.beyond) == (2, 0)


def test_without_a_populated_cell_only_the_whole_is_judged():
    found = true_bias(np.full(50, 2.0), np.full(50, 1.0), np.zeros(50, dtype=int), limit=1, fewest=100)
    assert (found.n, found.before, found.after, found.cells, found.beyond) == (50, 2.0, 1.0, 0, 0)
    assert np.isnan(found.worst)


def test_honest_intervals_cover_everywhere_and_short_ones_are_caught_in_their_cell():
    rng = np.random.default_rng(3)
    truth = three_cells(20_000, rng)
    cells, one = cells_of(truth), np.ones(len(truth))
    poor = truth[:, 2] < -1
    error = rng.uniform(0.05, 0.2, len(truth))
    value = truth[:, 1] + error * rng.normal(size=len(truth))
    honest = true_coverage(value, error, error, truth[:, 1], cells)
    assert abs(honest.covered - LEVEL) < 3.5 * honest.error
    assert honest.pull_width == pytest.approx(1.0, abs=0.02)
    assert (honest.cells, honest.outside) == (3, 0)
    short = error * np.where(poor, 0.5, 1.0)
    caught = true_coverage(value, short, short, truth[:, 1], cells)
    assert caught.outside == 1
    assert caught.lowest == pytest.approx(0.383, abs=0.04)  # +-0.5 sigma
    assert caught.lowest_cell == "Teff 4500..5000, log g 2..3, [Fe/H] -2..-1.5"
    wide = true_coverage(value, 2 * error, 2 * error, truth[:, 1], cells)
    assert wide.outside == 3
    assert wide.pull_width == pytest.approx(0.5, abs=0.01)
    assert true_coverage(truth[:, 1] + 0.5 * one, one, 0 * one, truth[:, 1], cells).covered == 1.0


def test_the_mean_of_two_has_less_scatter_than_one():
    first, second = np.random.default_rng(4).normal(size=(2, 20_000))
    found = gain(first, (first + second) / 2)
    assert found.single == pytest.approx(1.0, abs=0.03)
    assert found.combined == pytest.approx(np.sqrt(0.5), abs=0.02)
    assert gain(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == type(found)(2, MAD_TO_SIGMA, 0.0)


def test_a_domain_is_judged_by_where_the_truth_lies():
    distance = np.array([0.1, 0.2, 0.3, 1.0, 1.05, 1.3, 1.6, 2.0])
    found = domain_shares(distance, 1.0, np.array([0, 0, 1, 0, 0, 1, 1, 1], dtype=bool))
    assert (found.inside, found.flagged_inside) == (4, 0.25)
    assert found.beyond == [4, 3, 2]
    assert found.caught == [0.75, 1.0, 1.0]


def test_an_offset_is_told_in_stated_errors_and_with_its_own():
    rng = np.random.default_rng(5)
    found = true_offset(rng.normal(12, 60, 900), 6.0)
    assert found.error == pytest.approx(2.0, rel=0.1)
    assert abs(found.mean - 12) < 3 * found.error
    assert found.sigmas == pytest.approx(found.mean / 6)
    assert np.isnan(true_offset(np.ones(3), 0.0).sigmas)


def test_lines_through_pure_noise_are_as_steep_as_their_errors_say():
    """The error of a slope is the chance of the training stars: corrections that follow their noise are 1 sigma off."""
    rng = np.random.default_rng(6)
    sigmas = []
    for _ in range(100):
        truth = truth_of(400, seed=int(rng.integers(1 << 30)))
        noise = rng.normal(0, 80, len(truth))
        slope = np.polyfit(truth[:, 0], noise, 1)[0]
        found = judge_corrections(-slope * truth[:, 0], truth, np.zeros(400, dtype=int), noise, truth, fewest=100)
        assert found.slopes["teff"].slope == pytest.approx(-1000 * slope, rel=1e-3)
        sigmas.append(found.slopes["teff"].slope / found.slopes["teff"].error)
    assert np.std(sigmas) == pytest.approx(1.0, abs=0.25)


def test_a_correction_of_one_cell_is_found_there():
    rng = np.random.default_rng(7)
    truth = three_cells(10_000, rng)
    correction = np.where(truth[:, 2] < -1, 25.0, -3.0)
    noise = rng.normal(0, 50, 2500)
    found = judge_corrections(correction, truth, cells_of(truth), noise, truth[:2500], fewest=500)
    assert (found.median, found.worst, found.cells, found.links) == (-3.0, 25.0, 3, 2500)
    assert found.worst_cell == "Teff 4500..5000, log g 2..3, [Fe/H] -2..-1.5"
    assert found.median_error == pytest.approx(1.2533 * 50 / np.sqrt(2500), rel=0.1)
