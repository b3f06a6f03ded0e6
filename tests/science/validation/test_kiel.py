"""Kiel continuity: a clump is found where it was put, and two surveys differ when, and only when, their scales do."""

import numpy as np
import pytest

from app.science.validation.kiel import energy_distance, kiel_distances, kiel_parts, main_sequence, paired_distance
from app.science.validation.red_clump import find_clump
from tests.support.two_surveys import survey_of, truth_of

ERROR = np.array([60.0, 0.12, 0.05])


def giants(rng, n=3000, shift=0.0, width=0.09):
    """Draw a clump at log g 2.45, 4800 K on a first-ascent branch."""
    branch = rng.uniform(0.8, 3.4, n)
    logg = np.where(rng.random(n) < 0.4, rng.normal(2.45, width, n), branch) + shift
    return 4800 + 380 * (logg - shift - 2.45) + rng.normal(0, 70, n), logg


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.4])
def test_a_clump_is_found_where_it_was_put(shift):
    rng = np.random.default_rng(1)
    clump = find_clump(*giants(rng, shift=shift), rng=rng)
    assert clump.logg.position == pytest.approx(2.45 + shift, abs=4 * clump.logg.position_error)
    assert clump.logg.width == pytest.approx(0.09, abs=4 * clump.logg.width_error + 0.005)
    assert clump.teff.position == pytest.approx(4800, abs=4 * clump.teff.position_error + 5)


def test_errors_of_the_clump_are_the_spread_of_repetitions():
    found = [find_clump(*giants(rng, 800), rng=rng).logg for rng in map(np.random.default_rng, range(40))]
    spread = np.std([peak.position for peak in found])
    assert np.mean([peak.position_error for peak in found]) == pytest.approx(spread, rel=0.35)


def test_few_giants_have_no_clump():
    rng = np.random.default_rng(1)
    assert find_clump(np.full(20, 4800.0), np.full(20, 2.4), rng=rng) is None
    top = rng.normal(1.7, 0.15, 800)
    assert find_clump(np.full(800, 4400.0), top, rng=rng) is None  # luminous giants that end inside the window
    assert find_clump(np.full(500, 5800.0), np.full(500, 4.4), rng=rng) is None


def test_the_main_sequence_comes_back():
    rng = np.random.default_rng(2)
    teff = rng.uniform(4500, 6500, 4000)
    logg = 4.6 - 0.2 * (teff - 4500) / 2000
    locus = main_sequence(np.append(teff, 4800), np.append(logg + 0.05 * rng.normal(size=4000), 2.4))
    expected = 4.6 - 0.2 * (np.array(locus.teff) - 4500) / 2000
    assert len(locus.teff) == 8
    assert (np.abs(np.array(locus.logg) - expected) < 4 * np.array(locus.error)).all()
    assert sum(locus.n) == 4000


def test_the_energy_distance_of_two_points_is_their_distance_twice():
    assert energy_distance(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])) == pytest.approx(10.0)


def test_exchanges_give_the_distance_itself_where_nothing_is_exchanged():
    rng = np.random.default_rng(3)
    a, b = truth_of(200)[:, :2], truth_of(200)[:, :2] + [80, 0.1]
    scale = np.array([100, 0.2])
    assert paired_distance(a, b, rng=rng).distance == pytest.approx(energy_distance(a / scale, b / scale))


def test_equal_surveys_are_far_apart_as_often_as_chance_says():
    """Under the null hypothesis the p-value is uniform."""
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = truth_of(150, seed=seed)[:, :2]
        noise = ERROR[:2] * rng.normal(size=(2, 150, 2))
        p_values.append(paired_distance(truth + noise[0], truth + noise[1], rng=rng).p_value)
    assert np.mean(p_values) == pytest.approx(0.5, abs=4 * 0.289 / np.sqrt(60))
    assert np.mean(np.array(p_values) < 0.1) < 0.1 + 4 * np.sqrt(0.09 / 60)


def test_a_shifted_survey_is_told_apart_before_and_not_after():
    truth = truth_of(1500)
    mine = survey_of(truth, ERROR, seed=2, bias=np.array([0.0, 0.25, 0.0]))
    bins = kiel_distances(mine, survey_of(truth, ERROR, seed=3), rng=np.random.default_rng(1))
    assert len(bins) == 3  # nothing below [Fe/H] = -1
    for _, before, after in bins:
        assert before.p_value < 0.01
        assert before.distance > 5 * before.null_upper
        assert after.p_value > 0.01
        assert after.distance < 2 * after.null_upper


def test_unequal_noise_alone_is_foretold_by_stated_errors():
    truth = truth_of(800)
    mine, theirs = survey_of(truth, 4 * ERROR, seed=2), survey_of(truth, 0.2 * ERROR, seed=3)
    pair = mine.value[:, :2], theirs.value[:, :2], mine.error[:, :2], theirs.error[:, :2]
    distance = paired_distance(*pair, rng=np.random.default_rng(1))
    assert distance.p_value < 0.01
    assert distance.noise == pytest.approx(distance.distance, rel=0.5)


def test_a_diagram_is_divided_by_metallicity():
    rng = np.random.default_rng(4)
    teff, logg = giants(rng, 2000)
    parts = kiel_parts(np.column_stack([teff, logg, np.where(np.arange(2000) < 1000, -0.2, 0.3)]), rng=rng)
    assert [(part.feh, part.n) for part in parts] == [((-0.5, 0.0), 1000), ((0.0, None), 1000)]
    assert all(part.clump for part in parts)
