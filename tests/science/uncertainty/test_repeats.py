"""Repeat spectra give back the error that made them: on invented stars and on the simulated LAMOST."""

import numpy as np
import pytest

from app.science.mock import sky
from app.science.mock.observations import State, observe
from app.science.mock.surveys import LAMOST_LRS
from app.science.uncertainty.repeats import error_from_repeats, repeat_pairs


def spectra(k, floor, *, stars=3000, seed=1, most=4):
    rng = np.random.default_rng(seed)
    star = np.repeat(np.arange(stars), rng.integers(1, most + 1, stars))
    quoted = rng.uniform(20, 80, len(star))
    value = 5000 + 10.0 * star + np.hypot(k * quoted, floor) * rng.normal(size=len(star))
    return star, value, quoted


def judged(star, value, quoted, seed=2):
    return error_from_repeats(repeat_pairs(star, value, quoted), rng=np.random.default_rng(seed))


@pytest.mark.parametrize(("k", "floor"), [(1.41, 90.0), (2.6, 0.0), (1.0, 30.0), (0.0, 50.0)])
def test_factor_and_floor_are_recovered_within_their_errors(k, floor):
    found = judged(*spectra(k, floor))
    assert found.separable
    assert abs(found.k - k) < 3 * found.k_error
    assert abs(found.floor - floor) < 3 * found.floor_error
    typical = np.hypot(found.k * found.quoted, found.floor)
    assert typical == pytest.approx(np.hypot(k * 50, floor), rel=0.06)


def test_stated_errors_of_factor_and_floor_hold():
    found = [judged(*spectra(1.5, 60.0, stars=800, seed=10 + i)) for i in range(25)]
    pulls = np.array([[(one.k - 1.5) / one.k_error, (one.floor - 60) / one.floor_error] for one in found])
    assert (np.abs(np.median(pulls, axis=0)) < 0.8).all()
    assert (np.abs(pulls) < 3.5).all()


def test_bad_spectra_hardly_count():
    star, value, quoted = spectra(1.5, 60.0)
    bad = np.random.default_rng(5).random(len(star)) < 0.03
    clean, spoilt = judged(star, value, quoted), judged(star, value + 2000 * bad, quoted)
    assert spoilt.scatter == pytest.approx(clean.scatter, rel=0.1)


def test_a_star_with_very_many_spectra_counts_once():
    star, value, quoted = spectra(1.0, 0.0, stars=400)
    rng = np.random.default_rng(6)
    star = np.append(star, np.full(400, 9999))
    value, quoted = np.append(value, 2000 * rng.normal(size=400)), np.append(quoted, np.full(400, 50.0))
    assert judged(star, value, quoted).scatter == pytest.approx(50, rel=0.12)


def test_equal_quoted_errors_cannot_tell_a_factor_from_a_floor():
    star, value, _ = spectra(0.0, 60.0)
    found = judged(star, value, np.full(len(star), 30.0))
    assert not found.separable
    assert (found.k, found.floor) == (pytest.approx(2.0, rel=0.06), 0.0)


def test_a_survey_without_quoted_errors_gets_its_scatter_as_floor():
    star, value, quoted = spectra(0.0, 18.0)
    found = judged(star, value, np.full_like(quoted, np.nan))
    assert np.isnan([found.quoted, found.k, found.k_error]).all()
    assert abs(found.floor - 18.0) < 3 * found.floor_error


def test_too_few_stars_are_refused():
    with pytest.raises(ValueError, match="1 stars with two spectra, 3 are needed"):
        judged(np.array([1, 1, 2]), np.zeros(3), np.ones(3))


@pytest.fixture(scope="module")
def lamost():
    parts = [sky.draw_block(5, block) for block in range(6)]
    rows = []
    for number, stars in enumerate(parts):
        seen = observe(np.random.default_rng(number), stars, np.ones(len(stars), bool), LAMOST_LRS, bias=True)
        good = (seen.state == State.GOOD) & (seen.snr > 20) & ~seen.outlier
        rows.append((stars.number[seen.star[good]], seen.values[good], seen.quoted[good], seen.snr[good]))
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("parameter", "truth"), [(0, 2.6), (1, 2.0), (2, 2.0)])
def test_the_simulated_lamost_quotes_too_small_errors_by_the_injected_factor(lamost, parameter, truth):
    star, value, quoted, _ = lamost
    found = judged(star, value[:, parameter], quoted[:, parameter])
    # Differences of errors with 5 degrees of freedom scatter by 7 % more; noise of the quoted ones flattens a bit.
    assert found.k == pytest.approx(1.05 * truth, abs=0.03 * truth + 2 * found.k_error)
    assert found.floor < 0.3 * found.scatter


@pytest.mark.parametrize(
    ("parameter", "faint", "bright"), [(0, 159.0, 95.0), (1, 0.19, 0.08), (2, 0.13, 0.05)], ids=["teff", "logg", "feh"]
)
def test_the_simulated_lamost_scatters_as_its_repeats_do_at_low_and_high_snr(lamost, parameter, faint, bright):
    star, value, quoted, snr = lamost
    pairs = repeat_pairs(star, value[:, parameter], quoted[:, parameter])
    for truth, inside in ((faint, snr < 30), (bright, snr > 110)):
        found = error_from_repeats(
            pairs.where(inside[pairs.first] & inside[pairs.second]), rng=np.random.default_rng(3)
        )
        assert abs(found.scatter - 1.07 * truth) < 3.5 * found.scatter_error
