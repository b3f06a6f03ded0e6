"""The injected biases are the ones of the table, smooth, and can be undone."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.mock import biases
from app.science.mock.biases import Truth
from app.science.mock.surveys import SURVEYS

STEP = np.array([1.0, 0.001, 0.001])
SCALE = np.array([300.0, 0.5, 0.3])


def at(bias, *, teff=5000.0, logg=2.5, feh=0.0, g=12.0):
    truth = Truth(*(np.atleast_1d(np.asarray(x, float)) for x in np.broadcast_arrays(teff, logg, feh, g)))
    return bias(truth)


def near(value, low, high):
    return np.all((value >= low) & (value <= high))


def test_galah():
    """Teff of typical stars ([Fe/H] = -0.15); log g by log g; [Fe/H] of giants and of the Sun."""
    teff = {t: at(biases.galah, teff=t, logg=4.4, feh=-0.15)[0, 0] for t in (4600, 4900, 5350, 5550, 6000, 6500, 7000)}
    assert near(np.array([teff[4600], teff[4900]]), -45, -35)
    assert near(np.array([teff[5350], teff[5550]]), 20, 50)
    assert teff[6000] == pytest.approx(0, abs=1)
    assert teff[7000] < teff[6500] < -50
    assert near(at(biases.galah, teff=4100, logg=[0.0, 0.7, 1.4])[:, 1], 0.1, 0.4)
    clump = at(biases.galah, teff=4800, logg=[2.3, 2.4, 2.5, 2.6])[:, 1]
    assert np.all(np.diff(clump) < 0)
    assert near(at(biases.galah, teff=[4600, 5000, 5772], feh=[-2.5, -1.5, -1.1])[:, 2], 0.09, 0.21)
    assert at(biases.galah, teff=5772, logg=4.44)[0, 2] == pytest.approx(-0.03, abs=0.001)


def test_lamost_lrs():
    giants = at(biases.lamost_lrs, teff=[3900, 4500, 5000, 5400], logg=2.5)
    assert near(giants[:, 0], -60, -20)
    assert at(biases.lamost_lrs, teff=6600, logg=4.2)[0, 0] == pytest.approx(50, abs=5)
    logg = at(biases.lamost_lrs, teff=[4000, 6500, 5000, 6000], feh=[0.5, -2.5, -1.0, 0.0])[:, 1]
    assert near(logg, 0.0, 0.15)
    assert np.ptp(logg) > 0.1
    assert at(biases.lamost_lrs, feh=[-1.0, 0.0, 0.4])[:, 2] == pytest.approx(0.06, abs=0.005)
    assert at(biases.lamost_lrs, feh=-2.5)[0, 2] > 0.2


def test_lamost_mrs_and_rave():
    grid = {"teff": np.linspace(4000, 8000, 50), "logg": np.linspace(0.5, 5, 50), "feh": np.linspace(-2.5, 0.5, 50)}
    mrs = at(biases.lamost_mrs, **grid)
    assert near(mrs, [-30, -0.05, -0.05], [30, 0.05, 0.0])
    assert near(np.ptp(mrs, axis=0), [50, 0.08, 0.04], [60, 0.1, 0.05])
    rave = at(biases.rave, **grid)
    assert near(rave[:, 0], -100, 100)
    assert np.ptp(rave[:, 0]) > 150
    assert np.allclose(rave[:, 1:], [0.1, -0.1])


def test_gspspec_comes_back_to_the_truth_by_its_published_polynomials():
    logg, feh = np.linspace(0.3, 5.2, 100), np.linspace(-3, 0.5, 100)
    raw = np.stack([np.full(100, 5000.0), logg, feh], axis=1) + at(biases.gaia_gspspec, teff=5000.0, logg=logg, feh=feh)
    calibrated_logg = raw[:, 1] + 0.4496 - 0.0036 * raw[:, 1] - 0.0224 * raw[:, 1] ** 2
    calibrated_mh = raw[:, 2] + 0.274 - 0.1373 * raw[:, 1] - 0.0050 * raw[:, 1] ** 2 + 0.0048 * raw[:, 1] ** 3
    assert np.allclose(calibrated_logg, logg)
    assert np.allclose(calibrated_mh, feh)
    teff = at(biases.gaia_gspspec, g=[8.0, 10.0, 12.0, 13.5])[:, 0]
    assert teff == pytest.approx([10, 10, 100, 100], abs=1)


@pytest.mark.parametrize("survey", SURVEYS, ids=lambda survey: survey.name)
def test_a_bias_can_be_undone(survey, mock_sky):
    """Its Jacobian, in units of typical widths, is smaller than one; the damped fixed point finds the truth again."""
    stars = mock_sky.stars.take(slice(0, 20_000))
    truth = np.stack([stars.teff, stars.logg, stars.feh], axis=1)
    jacobian = np.empty((len(truth), 3, 3))
    for k in range(3):
        ahead, behind = truth + STEP * (np.arange(3) == k), truth - STEP * (np.arange(3) == k)
        rise = survey.bias(Truth(*ahead.T, stars.g)) - survey.bias(Truth(*behind.T, stars.g))
        jacobian[:, :, k] = rise / (2 * STEP[k])
    largest = np.abs(np.linalg.eigvals(jacobian)).max()
    assert largest < 0.9
    assert np.linalg.det(np.eye(3) + jacobian).min() > 0.1
    assert np.abs(jacobian * SCALE / SCALE[:, None]).max() < 0.9
    reported = truth + survey.bias(Truth(*truth.T, stars.g))
    found = reported.copy()
    for _ in range(40):
        found += 0.5 * (reported - survey.bias(Truth(*found.T, stars.g)) - found)
    assert np.abs((found - truth) / SCALE).max() < 1e-3


def test_apogee_defines_the_scale():
    assert not at(SURVEYS[0].bias, teff=[4000, 6000], logg=[1.0, 4.5], feh=[-2.0, 0.3]).any()
