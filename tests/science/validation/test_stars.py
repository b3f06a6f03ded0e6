"""Stars of a survey: spectra of a star count once, and what is not used is nowhere."""

import numpy as np
import pytest

from app.science.validation.stars import common, first_per_star, mean_per_star, spectra_of


def spectra():
    star = np.array([4, 9, 9, 4, 5])
    value = np.column_stack([[1.0, 2.0, 4.0, np.nan, 7.0]] * 3)
    used = np.ones((5, 3), dtype=bool)
    used[4, 2] = False
    one = np.ones((5, 3))
    snr = np.array([50.0, 10.0, 30.0, np.nan, 20.0])
    domain = np.array([True, True, False, True, True])
    return spectra_of(star, value + 10, value, one, 2 * one, used=used, in_domain=domain, snr=snr, magnitude=snr)


def test_the_mean_of_spectra():
    means = mean_per_star(spectra())
    assert means.star.tolist() == [4, 5, 9]
    assert means.value[:, 0].tolist() == [1.0, 7.0, 3.0]
    assert means.raw[:, 1].tolist() == [11.0, 17.0, 13.0]
    assert means.minus[:, 0] == pytest.approx([1, 1, 1 / np.sqrt(2)])
    assert means.error[:, 0] == pytest.approx([1.5, 1.5, 1.5 / np.sqrt(2)])
    assert np.isnan(means.value[1, 2])
    assert means.in_domain.tolist() == [True, True, False]
    assert means.snr.tolist() == [50.0, 20.0, 20.0]


def test_the_first_spectrum_as_it_is():
    firsts = first_per_star(spectra())
    assert firsts.star.tolist() == [4, 5, 9]
    assert firsts.value[:, 0].tolist() == [1.0, 7.0, 2.0]
    assert firsts.in_domain.tolist() == [True, True, True]


def test_one_parameter_leaves_out_stars_without_it():
    assert mean_per_star(spectra()).values(2).star.tolist() == [4, 9]


def test_common_stars_stand_row_by_row():
    means = mean_per_star(spectra())
    a, b, c = common(means, means.at(np.array([1, 2])), means.at(np.array([0, 2])))
    assert a.star.tolist() == b.star.tolist() == c.star.tolist() == [9]
