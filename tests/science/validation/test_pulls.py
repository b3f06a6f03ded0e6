"""Pulls by subset: unit Gaussian for honest errors, and the survey that lies about its errors is the one that shows."""

import numpy as np
import pytest

from app.science.validation.pulls import pulls_by_subset
from tests.support.two_surveys import survey_of, truth_of

ERROR = np.array([80.0, 0.2, 0.1])
N = 3000


def pulls_of(surveys, **options):
    found = pulls_by_subset(surveys, rng=np.random.default_rng(1), **options)
    return {(part.kind, part.subset, part.parameter): part for part in found}


def three(**changes):
    truth = truth_of(N)
    sizes = {"a": 0.3, "b": 1.0, "c": 0.8}
    surveys = {
        name: survey_of(truth, size * ERROR, seed=place + 2, **changes.get(name, {}))
        for place, (name, size) in enumerate(sizes.items())
    }
    return surveys | {"c": surveys["c"].at(np.arange(0, N, 2))}


def test_honest_errors_give_unit_pulls_in_every_subset():
    found = pulls_of(three())
    assert {key[:2] for key in found} == {
        *(("survey", name) for name in "abc"),
        *(("pair", name) for name in ("b - a", "c - a", "c - b")),
        ("number", "2"),
        ("number", "3"),
    }
    for part in found.values():
        assert abs(part.median) < 4 * part.median_error
        assert abs(part.width - 1) < 4 * part.width_error
        assert part.covered == pytest.approx(0.683, abs=0.03)
    assert found["number", "3", "feh"].n == N // 2


def test_errors_stated_by_half_double_the_pulls_of_their_survey():
    found = pulls_of(three(b={"stated": 0.5}))
    assert found["pair", "b - a", "logg"].width == pytest.approx(np.hypot(1, 0.3) / np.hypot(0.5, 0.3), rel=0.06)
    assert abs(found["pair", "c - a", "logg"].width - 1) < 4 * found["pair", "c - a", "logg"].width_error


def test_errors_that_two_surveys_share_narrow_their_pulls_until_they_are_known():
    truth, shared = truth_of(N), 0.15
    common = shared * np.random.default_rng(9).normal()
    surveys = {
        name: survey_of(truth + np.array([0, common, 0]), np.array([80.0, 0.1, 0.1]), seed=seed, stated=1.0)
        for name, seed in (("a", 2), ("b", 3))
    }
    total = np.hypot(0.1, shared)
    for part in surveys.values():
        part.minus[:, 1] = part.plus[:, 1] = total
    covariance = np.zeros((3, 2, 2))
    covariance[1] = shared**2
    assert pulls_of(surveys)["pair", "b - a", "logg"].width == pytest.approx(0.1 / total, rel=0.06)
    known = pulls_of(surveys, covariance=covariance)["pair", "b - a", "logg"]
    assert abs(known.width - 1) < 4 * known.width_error


def test_what_lies_outside_a_domain_does_not_count():
    surveys = three()
    surveys["b"].in_domain[:] = False
    assert not any("b" in subset for _, subset, _ in pulls_of(surveys))


def test_bootstrap_and_asymptotic_errors_agree():
    truth = truth_of(5000)
    many = {name: survey_of(truth, ERROR, seed=seed) for name, seed in (("a", 2), ("b", 3))}
    few = {name: part.at(np.arange(3900)) for name, part in many.items()}
    one, two = (pulls_of(part)["pair", "b - a", "feh"] for part in (many, few))
    assert one.width_error * np.sqrt(5000) == pytest.approx(two.width_error * np.sqrt(3900), rel=0.2)
    assert one.median_error * np.sqrt(5000) == pytest.approx(two.median_error * np.sqrt(3900), rel=0.2)
