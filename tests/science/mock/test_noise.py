"""The noise has the sizes, correlations and tails that the table asks for."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.mock import noise
from app.science.mock.biases import Truth
from app.science.robust import scatter


def truth(n=1, *, logg=2.5, g=12.0):
    return Truth(np.full(n, 5000.0), np.full(n, float(logg)), np.zeros(n), np.full(n, float(g)))


def test_lamost_lrs_falls_from_the_faint_to_the_bright_level():
    size = noise.lamost_lrs(truth(5), np.array([10.0, 30.0, 60.0, 110.0, 400.0]))
    assert size[:2] == pytest.approx(np.array([[159, 0.19, 0.13]] * 2))
    assert size[3:] == pytest.approx(np.array([[95, 0.08, 0.05]] * 2))
    assert np.all((size[2] < size[1]) & (size[2] > size[3]))


@pytest.mark.parametrize(("logg", "g", "teff"), [(1.5, 9, 90), (4.5, 9, 135), (1.5, 13, 145), (4.5, 13, 258)])
def test_gspspec_knows_dwarfs_and_faint_stars(logg, g, teff):
    assert noise.gaia_gspspec(truth(logg=logg, g=g), np.array([50.0]))[0, 0] == pytest.approx(teff, rel=0.01)


@pytest.mark.parametrize("degrees_of_freedom", [None, 5.0])
@pytest.mark.parametrize("teff_feh", [0.5, 0.7])
def test_errors_correlate_and_half_of_them_are_small(teff_feh, degrees_of_freedom):
    n = 200_000
    rng = np.random.default_rng(4)
    logg = np.repeat([2.0, 4.5], n)
    errors = noise.draw(rng, logg, teff_feh=teff_feh, degrees_of_freedom=degrees_of_freedom)
    for k in range(3):
        assert scatter(errors[:, k]) == pytest.approx(1.0, abs=0.01)
        assert np.median(errors[:, k]) == pytest.approx(0.0, abs=0.01)
    giants, dwarfs = np.corrcoef(errors[:n].T), np.corrcoef(errors[n:].T)
    assert giants[0, 2] == pytest.approx(teff_feh, abs=0.02)
    assert giants[0, 1] == pytest.approx(0.5, abs=0.02)
    assert giants[1, 2] == pytest.approx(0.3, abs=0.02)
    assert dwarfs[0, 1] == pytest.approx(0.1, abs=0.02)
    far = np.mean(np.abs(errors[:, 0]) > 4)
    assert far < 1.2e-4 if degrees_of_freedom is None else 4e-3 < far < 2e-2


def test_a_skew_keeps_the_median_and_stretches_one_side():
    errors = noise.skewed(np.random.default_rng(5).standard_normal(200_000), 1.2)
    low, middle, high = np.quantile(errors, [0.1587, 0.5, 0.8413])
    assert middle == pytest.approx(0.0, abs=0.01)
    assert high == pytest.approx(1.2, rel=0.01)
    assert low == pytest.approx(-1 / 1.2, rel=0.01)


def test_photon_noise_adds_to_a_floor():
    size = noise.Floored((3.0, 0.03, 0.0), (4.0, 0.04, 1.0), 100.0)(truth(2), np.array([100.0, 1e9]))
    assert size == pytest.approx(np.array([[5.0, 0.05, 1.0], [3.0, 0.03, 0.0]]), abs=1e-6)
