"""What the surveys report holds the biases, noise, errors, faults and overlaps that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.mock import biases
from app.science.mock.observations import State, plan
from app.science.mock.surveys import SURVEYS
from app.science.robust import scatter

LARGE = ("apogee_dr17", "galah_dr3", "lamost_lrs", "lamost_mrs", "gaia_gspspec", "rave_dr6")
FULL = 200_000 / 163_840
TOLERANCE = np.array([2.0, 0.004, 0.003])


def numbers(seen):
    return np.unique(seen.stars.number)


def common(sky, one, other):
    return len(np.intersect1d(numbers(sky.surveys[one]), numbers(sky.surveys[other]))) * FULL


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("axis", range(3), ids=["by Teff", "by log g", "by [Fe/H]"])
def test_binned_medians_of_reported_minus_truth_are_the_injected_bias(mock_sky, name, axis):
    seen = mock_sky.surveys[name]
    left = (seen.residual - seen.survey.bias(seen.conditions))[seen.clean]
    size = seen.survey.noise(seen.conditions, seen.rows.snr)[seen.clean]
    edges = np.quantile(seen.truth[seen.clean, axis], np.linspace(0, 1, 9))
    place = np.clip(np.searchsorted(edges, seen.truth[seen.clean, axis]) - 1, 0, 7)
    for k in range(8):
        inside = place == k
        error = 1.2533 * np.sqrt(np.mean(size[inside] ** 2, axis=0) / inside.sum())
        assert np.all(np.abs(np.median(left[inside], axis=0)) < 4.2 * error + 0.01 * TOLERANCE)


@pytest.mark.parametrize("name", LARGE)
def test_noise_has_its_size_and_the_quoted_errors_their_ratio_to_it(mock_sky, name):
    seen = mock_sky.surveys[name]
    size = seen.survey.noise(seen.conditions, seen.rows.snr)[seen.clean]
    pulls = (seen.residual - seen.survey.bias(seen.conditions))[seen.clean] / size
    for k in range(3):
        assert scatter(pulls[:, k]) == pytest.approx(1.0, abs=max(0.02, 4 / np.sqrt(len(pulls))))
    assert np.median(seen.rows.quoted[seen.clean] / size, axis=0) == pytest.approx(seen.survey.quoted, rel=0.01)


@pytest.mark.parametrize(
    ("name", "teff", "logg", "feh"),
    [
        ("apogee_dr17", 30, 0.04, 0.02),
        ("lamost_mrs", 75, 0.10, 0.05),
        ("rave_dr6", 200, 0.35, 0.15),
        ("small_a", 50, 0.10, 0.05),
        ("small_b", 50, 0.10, 0.05),
    ],
)
def test_noise_of_a_whole_survey_is_the_one_of_the_table(mock_sky, name, teff, logg, feh):
    seen = mock_sky.surveys[name]
    left = (seen.residual - seen.survey.bias(seen.conditions))[seen.clean]
    precision = max(0.08, 4 * 1.17 / np.sqrt(len(left)))
    for k, expected in enumerate((teff, logg, feh)):
        assert scatter(left[:, k]) == pytest.approx(expected, rel=precision)


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("apogee_dr17", (1, 1, 0.5)),
        ("lamost_lrs", (1 / 2.6, 1 / 2, 1 / 2)),
        ("lamost_mrs", (1 / 1.5,) * 3),
        ("small_a", (1,) * 3),
        ("small_b", (1,) * 3),
    ],
)
def test_surveys_claim_what_the_table_says(name, ratios):
    (survey,) = [survey for survey in SURVEYS if survey.name == name]
    assert survey.quoted == pytest.approx(ratios)


def test_galah_claims_up_to_a_third_too_much():
    assert all(1.0 <= ratio <= 1.3 for ratio in SURVEYS[1].quoted)


@pytest.mark.parametrize("name", LARGE)
def test_errors_correlate(mock_sky, name):
    seen = mock_sky.surveys[name]
    giants = seen.clean & (seen.stars.logg < 3)
    size = seen.survey.noise(seen.conditions, seen.rows.snr)
    pulls = ((seen.residual - seen.survey.bias(seen.conditions)) / size)[giants]
    correlation = np.corrcoef(pulls.T)
    assert 0.5 <= seen.survey.teff_feh <= 0.7
    assert correlation[0, 2] == pytest.approx(seen.survey.teff_feh, abs=0.05)
    assert correlation[0, 1] == pytest.approx(0.5, abs=0.05)


def test_the_pair_galah_apogee_is_the_one_of_the_literature(mock_sky):
    """Before any calibration 104 K, 0.119, 0.098, after a perfect one about 85 K, 0.115, 0.075 (1.48 MAD)."""
    apogee, galah = (mock_sky.surveys[name] for name in ("apogee_dr17", "galah_dr3"))
    good = (apogee.rows.state == State.GOOD) & (apogee.rows.visit == 0)
    used = (galah.rows.state == State.GOOD) & (galah.rows.visit == 0) & (galah.rows.snr > 30)
    _, a, g = np.intersect1d(apogee.stars.number[good], galah.stars.number[used], return_indices=True)
    before = galah.rows.values[used][g] - apogee.rows.values[good][a]
    after = before - galah.survey.bias(galah.conditions)[used][g]
    assert [scatter(column) for column in before.T] == pytest.approx([104, 0.119, 0.098], rel=0.06)
    assert [scatter(column) for column in after.T] == pytest.approx([85, 0.115, 0.075], rel=0.04)
    assert np.median(after, axis=0) == pytest.approx([0, 0, 0], abs=0.01 * 100)


@pytest.mark.parametrize("name", LARGE)
def test_two_rows_in_a_hundred_are_outliers_to_one_side(mock_sky, name):
    seen = mock_sky.surveys[name]
    share = np.mean(seen.rows.outlier)
    assert share == pytest.approx(0.02, abs=max(0.002, 5 * np.sqrt(0.02 / len(seen.rows))))
    good = seen.rows.outlier & (seen.rows.state == State.GOOD)
    shift = (seen.residual - seen.survey.bias(seen.conditions))[good]
    assert np.all(np.median(shift, axis=0) < [-200, -0.1, -0.15])


@pytest.mark.parametrize("name", LARGE)
def test_snr_tells_how_good_a_row_is(mock_sky, name):
    """The worse half by S/N has larger errors, quoted and true."""
    seen = mock_sky.surveys[name]
    worse = seen.clean & (seen.rows.snr < np.median(seen.rows.snr))
    better = seen.clean & ~worse
    left = seen.residual - seen.survey.bias(seen.conditions)
    for k in range(3):
        assert scatter(left[worse, k]) > 1.04 * scatter(left[better, k])
        assert np.median(seen.rows.quoted[worse, k]) > np.median(seen.rows.quoted[better, k])


def test_lamost_has_tails_and_apogee_has_not(mock_sky):
    far = {}
    for name in ("apogee_dr17", "lamost_lrs"):
        seen = mock_sky.surveys[name]
        pulls = (seen.residual - seen.survey.bias(seen.conditions)) / seen.survey.noise(seen.conditions, seen.rows.snr)
        far[name] = np.mean(np.abs(pulls[seen.clean, 0]) > 4)
    assert far["apogee_dr17"] < 2e-4
    assert far["lamost_lrs"] > 4e-3


def test_gspspec_percentiles_hold_the_truth(mock_sky):
    """The interval [value - size x skew, value + size / skew] holds the truth on each side as often as it says."""
    seen = mock_sky.surveys["gaia_gspspec"]
    size = seen.survey.noise(seen.conditions, seen.rows.snr)[seen.clean]
    left = (seen.residual - seen.survey.bias(seen.conditions))[seen.clean]
    assert np.mean(left > size * seen.survey.skew, axis=0) == pytest.approx([0.1587] * 3, abs=0.006)
    assert np.mean(left < -size / seen.survey.skew, axis=0) == pytest.approx([0.1587] * 3, abs=0.006)


@pytest.mark.parametrize("name", LARGE)
def test_rows_fail_as_often_as_they_should(mock_sky, name):
    seen = mock_sky.surveys[name]
    n, survey = len(seen.rows), seen.survey
    for state, share in ((State.LOST, survey.lost), (State.DOUBTFUL, survey.doubtful)):
        assert np.mean(seen.rows.state == state) == pytest.approx(share, abs=4.5 * np.sqrt(share / n))
    assert np.array_equal(np.isnan(seen.rows.values).all(axis=1), seen.rows.state == State.LOST)
    left = seen.residual - survey.bias(seen.conditions)
    off = np.median(np.abs(left[seen.rows.state == State.DOUBTFUL]), axis=0)
    assert np.all(off > 2 * np.array([scatter(column) for column in left[seen.clean].T]))


def test_piled_up_rows_sit_on_the_grid(mock_sky):
    seen = mock_sky.surveys["rave_dr6"]
    piled = seen.rows.values[seen.rows.state == State.PILED_UP]
    assert len(piled) > 10
    assert np.allclose(piled % [250, 0.5, 0.25], 0, atol=1e-9)


def test_some_stars_are_observed_again(mock_sky):
    for name in LARGE:
        seen = mock_sky.surveys[name]
        again = np.mean(seen.rows.visit > 0)
        assert again == pytest.approx(seen.survey.repeats, abs=0.03)
    lamost = mock_sky.surveys["lamost_lrs"]
    assert lamost.rows.visit.max() >= 5
    pairs = np.flatnonzero(lamost.rows.visit == 1)
    assert np.array_equal(lamost.stars.number[pairs], lamost.stars.number[pairs - 1])
    assert not np.any(lamost.rows.values[pairs] == lamost.rows.values[pairs - 1])


def test_no_survey_is_biased_on_the_null_sky(null_sky):
    for name in LARGE:
        seen = null_sky.surveys[name]
        size = seen.survey.noise(seen.conditions, seen.rows.snr)[seen.clean]
        error = 1.2533 * np.sqrt(np.mean(size**2, axis=0) / seen.clean.sum())
        assert np.all(np.abs(np.median(seen.residual[seen.clean], axis=0)) < 4 * error), name
        warm = seen.stars.teff[seen.clean] > 5200
        for half in (warm, ~warm):
            assert np.all(np.abs(np.median(seen.residual[seen.clean][half], axis=0)) < 8 * error), name


def test_bias_alone_tells_the_null_sky_from_the_other(mock_sky, null_sky):
    for name in LARGE:
        biased, null = mock_sky.surveys[name], null_sky.surveys[name]
        n = len(null.rows)
        assert np.array_equal(biased.stars.number[:n], null.stars.number)
        good = null.rows.state < State.DOUBTFUL
        good &= null.rows.state != State.PILED_UP
        shift = biased.rows.values[:n][good] - null.rows.values[good]
        assert np.allclose(shift, biased.survey.bias(biased.conditions)[:n][good], atol=1e-9), name


def test_overlaps_are_large_enough_to_train(mock_sky):
    assert common(mock_sky, "apogee_dr17", "galah_dr3") > 20_000
    assert common(mock_sky, "apogee_dr17", "lamost_lrs") > 20_000
    assert common(mock_sky, "apogee_dr17", "gaia_gspspec") > 3_000
    assert 1_500 < common(mock_sky, "apogee_dr17", "lamost_mrs") < 4_500
    assert 1_000 < common(mock_sky, "apogee_dr17", "rave_dr6") < 3_000


def test_a_fifth_of_the_stars_is_seen_by_three_surveys_and_more(mock_sky):
    counts = np.bincount(np.concatenate([numbers(seen) for seen in mock_sky.surveys.values()]))
    share = np.bincount(counts[mock_sky.stars.number]) / len(mock_sky.stars)
    assert share[3:].sum() > 0.2
    assert share[4:].sum() > 0.03


def test_the_overlap_with_apogee_is_brighter_and_more_metal_rich_than_the_survey(mock_sky):
    apogee = numbers(mock_sky.surveys["apogee_dr17"])
    for name in ("lamost_lrs", "galah_dr3"):
        stars = mock_sky.surveys[name].stars
        inside = np.isin(stars.number, apogee)
        assert np.median(stars.g[inside]) < np.median(stars.g[~inside]) - 0.3
        assert np.mean(stars.feh[inside]) > np.mean(stars.feh[~inside]) + 0.05


def test_small_surveys_have_few_direct_links_and_more_through_others(mock_sky):
    for name in ("small_a", "small_b"):
        direct = common(mock_sky, name, "apogee_dr17")
        others = set()
        for other in ("galah_dr3", "lamost_lrs", "gaia_gspspec", "rave_dr6", "lamost_mrs"):
            others |= set(np.intersect1d(numbers(mock_sky.surveys[name]), numbers(mock_sky.surveys[other])))
        assert 10 <= direct <= 70
        assert len(others) * FULL > 3 * direct


@pytest.mark.parametrize("stars", [20_000, 1_000_000, 100_000_000])
def test_small_surveys_stay_small_on_every_sky(stars):
    small, large = plan(7, 200_000)["small_a"], plan(7, stars)["small_a"]
    assert large.direct * stars == pytest.approx(small.direct * 200_000)


def test_footprints_are_kept(mock_sky):
    galah, lamost, rave = (mock_sky.surveys[name].stars for name in ("galah_dr3", "lamost_lrs", "rave_dr6"))
    assert galah.dec_deg.max() <= 12
    assert np.abs(galah.galactic_latitude_deg).min() >= 6
    assert lamost.dec_deg.min() >= -10
    assert lamost.dec_deg.max() <= 62
    assert rave.dec_deg.max() <= 3


def test_the_corrections_that_are_to_be_found_are_not_zero():
    assert sum(survey.bias is biases.none for survey in SURVEYS) == 1
