"""Who enters a star's value, and which flags say what happened."""

import numpy as np
import pytest

from app.science.combination.common_error import SharedErrors
from app.science.combination.stars import (
    AMBIGUOUS,
    NOTHING_INSIDE,
    OUTSIDE_DOMAIN,
    SINGLE,
    SURVEYS_DISAGREE,
    Contributions,
    homogenize,
)

SURVEYS = 2


def contributions(values, *, starts, in_domain=None, used=None, ambiguous=None):
    value = np.repeat(np.array(values, dtype=float)[:, None], 3, axis=1)
    n = len(value)
    return Contributions(
        starts=np.array(starts),
        survey=np.arange(n) % SURVEYS,
        value=value,
        minus=np.ones((n, 3)),
        plus=np.ones((n, 3)),
        rho=np.full((n, 3), np.nan),
        used=np.ones((n, 3), dtype=bool) if used is None else used,
        in_domain=np.repeat(np.ones(n, dtype=bool) if in_domain is None else np.array(in_domain), 3).reshape(n, 3),
        ambiguous=np.zeros(n, dtype=bool) if ambiguous is None else np.array(ambiguous),
    )


def teff(given, *, refuse=True):
    return homogenize(given, SharedErrors.none(SURVEYS), refuse_outside=refuse, widen_factor=2.0).parameters[0]


def test_agreeing_disagreeing_and_single_measurements_are_told_apart():
    result = teff(contributions([1.0, 1.2, 0.0, 9.0, 5.0], starts=[0, 2, 4, 5]))
    assert result.flags.tolist() == [0, SURVEYS_DISAGREE, SINGLE]


def test_outside_measurements_are_refused_or_widened_as_the_plan_says():
    given = contributions([0.0, 4.0], starts=[0, 2], in_domain=[True, False])
    refused, widened = teff(given), teff(given, refuse=False)
    assert refused.combined.value[0] == 0.0
    assert refused.flags[0] == OUTSIDE_DOMAIN | SINGLE
    assert widened.combined.value[0] == pytest.approx(0.8)
    assert widened.flags[0] & OUTSIDE_DOMAIN


def test_a_star_with_nothing_inside_has_no_value_and_says_why():
    result = teff(contributions([3.0], starts=[0, 1], in_domain=[False]))
    assert np.isnan(result.combined.value[0])
    assert result.flags[0] == OUTSIDE_DOMAIN | NOTHING_INSIDE


def test_an_excluded_parameter_does_not_enter_while_the_others_do():
    used = np.array([[False, True, True]])
    given = contributions([3.0], starts=[0, 1], used=used)
    result = homogenize(given, SharedErrors.none(SURVEYS), refuse_outside=True, widen_factor=2.0)
    assert [int(part.combined.n[0]) for part in result.parameters] == [0, 1, 1]


def test_an_ambiguous_match_is_flagged():
    result = teff(contributions([3.0, 3.0], starts=[0, 2], ambiguous=[False, True]))
    assert result.flags[0] & AMBIGUOUS


def test_what_the_surveys_share_widens_the_value():
    given = contributions([3.0, 3.0], starts=[0, 2])
    shared = SharedErrors(np.full((3, SURVEYS, SURVEYS), 0.5), np.zeros((3, SURVEYS)), np.zeros((3, SURVEYS)))
    result = homogenize(given, shared, refuse_outside=True, widen_factor=2.0)
    assert result.parameters[2].combined.plus[0] == pytest.approx(np.sqrt(0.5 / 2 + 0.5))


def test_a_far_measurement_pulls_no_harder_where_the_plan_says_so():
    given = contributions([0.0, 0.2, 30.0], starts=[0, 3])
    shared = SharedErrors.none(SURVEYS)
    never, bounded = (
        homogenize(given, shared, refuse_outside=True, widen_factor=2.0, linear_beyond=far).parameters[0]
        for far in (0.0, 2.0)
    )
    assert never.combined.value[0] == pytest.approx(30.2 / 3)
    assert bounded.combined.value[0] == pytest.approx(0.1 + 2.0 / 2)
    assert never.flags[0] == bounded.flags[0] == SURVEYS_DISAGREE
    assert 0 < bounded.combined.weight[2] < 0.1
