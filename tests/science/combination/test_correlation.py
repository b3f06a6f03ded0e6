"""The correlation of a star's parameters is that of many simulated stars."""

import numpy as np
import pytest

from app.science.combination.common_error import SharedErrors
from app.science.combination.correlation import PAIRS, combined_correlation
from app.science.combination.stars import Contributions, homogenize

NOTHING = np.zeros((3, 2))


def test_one_measurement_hands_its_own_on():
    rho = np.array([[0.5, -0.3, 0.1]])
    one = np.ones((1, 3))
    given = combined_correlation(one, 2 * one, rho, np.array([0]), np.array([0, 1]), NOTHING, 2 * one)
    assert np.allclose(given, rho)


def test_it_is_unknown_where_that_of_a_contribution_is():
    half, one = np.full((2, 3), 0.5), np.ones((2, 3))
    rho = np.array([[0.5, np.nan, 0.1], [0.5, 0.2, np.nan]])
    half[1, 2] = 0.0  # the second does not enter [Fe/H]
    given = combined_correlation(half, one, rho, np.zeros(2, dtype=int), np.array([0, 2, 2]), NOTHING, one)
    assert np.isnan(given[0]).tolist() == [False, True, False]
    assert given[0, 0] == pytest.approx(0.25)


@pytest.mark.parametrize("together", [0.0, 0.6])
def test_it_is_what_many_stars_show(together):
    rng = np.random.default_rng(4)
    stars, errors = 20_000, np.array([[60.0, 0.1, 0.05], [40.0, 0.2, 0.04], [40.0, 0.2, 0.04]])
    rho, survey = np.array([[0.5, 0.6, 0.2], [-0.4, 0.3, 0.0], [-0.4, 0.3, 0.0]]), np.array([0, 1, 1])
    value = np.empty((stars, 3, 3))
    star_level = {}
    for i, s in enumerate(survey):
        matrix = np.eye(3)
        for place, (p, q) in enumerate(PAIRS):
            matrix[p, q] = matrix[q, p] = rho[i, place]
        draws = rng.multivariate_normal(np.zeros(3), matrix, size=stars)
        shared = star_level.setdefault(s, rng.multivariate_normal(np.zeros(3), matrix, size=stars))
        value[:, i] = errors[i] * (np.sqrt(1 - together) * draws + np.sqrt(together) * shared)
    m = 3 * stars
    result = homogenize(
        Contributions(
            starts=np.arange(stars + 1) * 3,
            survey=np.tile(survey, stars),
            value=value.reshape(m, 3),
            minus=np.tile(errors, (stars, 1)),
            plus=np.tile(errors, (stars, 1)),
            rho=np.tile(rho, (stars, 1)),
            used=np.ones((m, 3), dtype=bool),
            in_domain=np.ones((m, 3), dtype=bool),
            ambiguous=np.zeros(m, dtype=bool),
        ),
        SharedErrors(np.zeros((3, 2, 2)), NOTHING, np.full((3, 2), together)),
        refuse_outside=True,
        widen_factor=1.0,
    )
    seen = np.corrcoef(np.array([part.combined.value for part in result.parameters]))
    for place, (p, q) in enumerate(PAIRS):
        assert result.rho[0, place] == pytest.approx(seen[p, q], abs=0.03)
