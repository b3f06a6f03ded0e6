"""The small system that is left when every star has been eliminated says the same as the large one with all stars."""

from dataclasses import replace

import numpy as np
import pytest

from app.science.calibration.network_gls import StarSystem, linear, solve


def random_system(seed, *, stars=40, surveys=3, slopes=True):
    rng = np.random.default_rng(seed)
    star, survey = np.divmod(np.flatnonzero(rng.random(stars * surveys) < 0.7), surveys)
    columns = 2 if slopes else 1
    rows = np.column_stack([np.ones(len(star)), rng.normal(size=len(star))])[:, :columns]
    design = np.zeros((len(star), surveys * columns))
    for s in range(surveys):
        design[np.ix_(survey == s, np.arange(s * columns, (s + 1) * columns))] = rows[survey == s]
    return StarSystem(
        star=star,
        survey=survey,
        design=design,
        value=rng.normal(size=len(star)),
        quoted=rng.uniform(0.5, 2.0, len(star)),
        known=np.where(np.arange(stars) % 2, rng.uniform(0.5, 3.0, stars), 0.0),
        owner=np.repeat(np.arange(surveys), columns),
        shrinkage=np.zeros(surveys * columns),
        surveys=surveys,
    )


def with_all_stars(system, weight):
    """Solve for every star's value and the coefficients together, as one dense system."""
    m, n, columns = len(system.known), len(system.star), system.design.shape[1]
    matrix = np.zeros((n + m, m + columns))
    matrix[np.arange(n), system.star] = 1.0
    matrix[:n, m:] = system.design
    matrix[n + np.arange(m), np.arange(m)] = 1.0
    weights = np.concatenate([weight, system.known])
    kept = np.concatenate([np.unique(system.star), m + np.arange(columns)])
    part = matrix[:, kept]
    covariance = np.linalg.inv(part.T @ (weights[:, None] * part))
    solution = covariance @ part.T @ (weights * np.concatenate([system.value, np.zeros(m)]))
    return solution[-columns:], covariance[-columns:, -columns:]


def test_eliminating_the_stars_changes_nothing():
    system = random_system(1)
    weight = 1.0 / system.quoted
    small = linear(system, weight, np.zeros(system.design.shape[1]))
    theta, covariance = with_all_stars(system, weight)
    assert small.theta == pytest.approx(theta, abs=1e-9)
    assert small.covariance == pytest.approx(covariance, abs=1e-9)


def test_error_sizes_are_learnt_where_quoted_ones_are_wrong_or_missing():
    rng = np.random.default_rng(3)
    n = 600
    star, survey = np.repeat(np.arange(n), 2), np.tile([0, 1], n)
    noise = np.where(survey == 0, 0.3, 0.6)
    system = StarSystem(
        star=star,
        survey=survey,
        design=(survey[:, None] == [0, 1]).astype(float),
        value=noise * rng.normal(size=2 * n),
        quoted=np.where(survey == 0, 1.0, np.nan),
        known=np.full(n, 1e6),
        owner=np.array([0, 1]),
        shrinkage=np.zeros(2),
        surveys=2,
    )
    solution = solve(system)
    assert solution.scale[0] == pytest.approx(0.3, rel=0.1)
    assert np.sqrt(solution.extra[1]) == pytest.approx(0.6, rel=0.1)
    assert np.sqrt(np.diag(solution.covariance)) == pytest.approx([0.3 / np.sqrt(n), 0.6 / np.sqrt(n)], rel=0.15)


def test_outliers_do_not_move_the_constants():
    clean = random_system(5, stars=300, slopes=False)
    spoiled = replace(clean, value=np.where(np.arange(len(clean.star)) % 25, clean.value, 30.0))
    error = np.sqrt(np.diag(solve(clean).covariance))
    assert (np.abs(solve(spoiled).theta - solve(clean).theta) < 4 * error).all()


def test_a_survey_without_a_path_is_named_as_such():
    system = random_system(7, slopes=False)
    with pytest.raises(ValueError, match="no path"):
        solve(replace(system, known=np.zeros(len(system.known))))


def test_the_scale_answers_with_the_opposite_sign():
    system = random_system(9, slopes=False)
    solution = solve(system, variance=system.quoted)
    moved = replace(system, value=system.value - 0.01 * (system.known[system.star] > 0))
    shifted = solve(moved, variance=system.quoted).theta - solution.theta
    assert solution.to_known @ np.full(len(system.known), 0.01) == pytest.approx(shifted, abs=0.002)
