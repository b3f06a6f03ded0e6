"""The evidence decides which error model stands."""

import numpy as np
import pytest

from app.science.uncertainty.repeats import RepeatError
from app.science.uncertainty.scaling import ErrorScaling, HatError, Source, decide

DECLARED = ErrorScaling(1.2, 10.0, Source.DECLARED)
NAN = float("nan")


def repeats(stars=500, *, k=1.5, floor=60.0, quoted=40.0):
    size = float(np.hypot(0 if np.isnan(k) else k * quoted, floor))
    return RepeatError(stars, size, 0.03 * size, quoted, k, 0.1, floor, 5.0, separable=True)


def hat(sigma, stars=500, error=0.1, quoted=40.0):
    return HatError(stars, np.sign(sigma) * sigma**2, error * sigma**2, quoted, ("a", "b"))


@pytest.mark.parametrize("evidence", [(None, None), (repeats(20), None), (None, hat(90.0, stars=40)),
                                      (None, hat(90.0, error=0.5)), (repeats(20), hat(-50.0))])  # fmt: skip
def test_without_enough_evidence_the_declared_model_stands(evidence):
    assert decide(DECLARED, *evidence) is DECLARED


def test_repeats_go_before_the_hat_where_they_agree():
    assert decide(DECLARED, repeats(), hat(85.0)) == ErrorScaling(1.5, 60.0, Source.REPEATS)
    assert decide(DECLARED, repeats(), hat(-85.0)) == ErrorScaling(1.5, 60.0, Source.REPEATS)


def test_the_hat_raises_the_floor_for_errors_that_repeats_do_not_see():
    found = decide(DECLARED, repeats(), hat(150.0))
    assert (found.k, found.source) == (1.5, Source.BOTH)
    assert found.sigma(40.0) == pytest.approx(150.0)


def test_the_hat_alone_scales_what_is_quoted_or_becomes_the_error():
    assert decide(DECLARED, None, hat(90.0)) == ErrorScaling(pytest.approx(2.25), 0.0, Source.HAT)
    assert decide(DECLARED, None, hat(90.0, quoted=NAN)) == ErrorScaling(0.0, pytest.approx(90.0), Source.HAT)


def test_a_survey_that_quotes_nothing_has_its_floor_alone():
    found = decide(ErrorScaling(0.0, 0.0, Source.DECLARED), repeats(k=NAN, quoted=NAN), None)
    assert (found.k, found.sigma(NAN)) == (0.0, 60.0)
