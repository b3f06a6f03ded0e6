"""Repeated values are found through rounding and repeats; two honest surveys of the same stars repeat nothing."""

import numpy as np

from app.science.validation.identical import repeated


def stars(n=4000):
    rng = np.random.default_rng(3)
    truth = np.column_stack([rng.uniform(4000, 6000, n), rng.uniform(1, 4, n), rng.normal(-0.3, 0.3, n)])
    return rng, np.sort(rng.integers(1, 10**6, n)), truth


def test_a_table_that_was_rounded_repeats_a_survey():
    _, star, truth = stars()
    rounded = np.column_stack([truth[:, 0].round(), truth[:, 1:].round(2)])
    order = np.random.default_rng(1).permutation(len(star))
    of_survey, same = repeated(star[order], rounded[order], star, truth.astype(np.float32).astype(float))
    assert of_survey.all()
    assert same.all()


def test_two_surveys_with_errors_of_their_own_hardly_ever_agree_to_the_digits():
    rng, star, truth = stars()
    noise = np.array([50.0, 0.1, 0.05])
    one, other = (truth + noise * rng.normal(size=truth.shape) for _ in range(2))
    of_survey, same = repeated(star, one, star, other)
    assert of_survey.all()
    assert same.mean() < 0.001


def test_stars_that_the_survey_does_not_have_and_missing_values_are_no_repeats():
    of_survey, same = repeated(
        np.array([1, 2, 3]), np.array([[5000, 3.0, 0.0], [5000, 3.0, np.nan], [5000, 3.0, 0.0]]),
        np.array([1, 2]), np.array([[5000, 3.0, 0.0]] * 2),
    )  # fmt: skip
    assert of_survey.tolist() == [True, True, False]
    assert same.tolist() == [True, False, False]
    nobody = repeated(np.array([1]), np.zeros((1, 3)), np.zeros(0, int), np.zeros((0, 3)))
    assert [part.tolist() for part in nobody] == [[False], [False]]
