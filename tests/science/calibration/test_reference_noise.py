"""Noise of the abscissa flattens a regression; its expectation given what was observed does not."""

import numpy as np
import pytest

from app.science.calibration.links import Links, folds_of
from app.science.calibration.reference_noise import FEWEST_STARS, expected_truth, without_reference_noise

NOISE = np.array([30.0, 0.05, 0.03])


def thin_sequence(n, *, seed):
    """Main-sequence stars: log g is a line in Teff, 0.04 dex thick, less than the reference's error."""
    rng = np.random.default_rng(seed)
    teff = rng.uniform(4500, 6500, n)
    logg = 4.6 - 0.0002 * (teff - 4500) + 0.04 * rng.normal(size=n)
    return np.column_stack([teff, logg, rng.normal(-0.2, 0.25, n)])


def across(values):
    """Distance from the sequence's middle in log g."""
    return values[:, 1] - (4.6 - 0.0002 * (values[:, 0] - 4500))


@pytest.fixture(scope="module")
def sequence():
    truth = thin_sequence(20_000, seed=1)
    observed = truth + NOISE * np.random.default_rng(2).normal(size=truth.shape)
    value, error = expected_truth(
        observed, np.tile(NOISE, (len(truth), 1)), folds_of(np.arange(len(truth)), 2), rng=np.random.default_rng(3)
    )
    return truth, observed, value, error


def test_a_survey_without_bias_has_a_slope_on_the_noisy_abscissa_and_none_on_the_expected_one(sequence):
    truth, observed, value, _ = sequence
    reported = truth[:, 1] + 0.1 * np.random.default_rng(4).normal(size=len(truth))
    naive = np.polyfit(across(observed), reported - observed[:, 1], 1)[0]
    cured = np.polyfit(across(value), reported - value[:, 1], 1)[0]
    assert naive < -0.5
    assert abs(cured) < 0.2


def test_the_stated_spread_is_that_of_the_truth(sequence):
    truth, _, value, error = sequence
    pulls = (truth - value) / error
    assert pulls.std(axis=0) == pytest.approx([1, 1, 1], abs=0.08)
    assert np.abs(pulls.mean(axis=0)).max() < 0.05


def test_spectra_of_a_star_share_its_reference_and_few_stars_are_left_alone():
    truth = np.repeat(thin_sequence(FEWEST_STARS, seed=5), 2, axis=0)
    star = np.repeat(np.arange(FEWEST_STARS), 2)
    links = Links(star, star % 2, truth, truth, np.tile(NOISE, (len(star), 1)), np.zeros((len(star), 0)), ())
    treated = without_reference_noise(links, seed=1).reference
    assert np.array_equal(treated[0::2], treated[1::2])
    assert not np.array_equal(treated, truth)
    few = links.where(star < 100)
    assert without_reference_noise(few, seed=1) is few
