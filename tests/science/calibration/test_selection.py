"""The simplest kind that the links support is taken, and a bend that is really there is found."""

import numpy as np
import pytest

from app.science.calibration.bias_model import Kind
from app.science.calibration.features import feature_space
from app.science.calibration.links import folds_of
from app.science.calibration.selection import candidates, select_kind
from app.science.calibration.settings import BoostSettings

NAMES = ("teff", "logg", "feh")


def choose(function, n=900):
    rng = np.random.default_rng(2)
    features = np.column_stack([rng.uniform(4000, 6000, n), rng.uniform(1, 4.5, n), rng.uniform(-2, 0.4, n)])
    target = function(features) + rng.normal(0, 1.0, n)
    return select_kind(
        features,
        target,
        np.ones(n),
        folds_of(np.arange(n), 5),
        feature_space(features, NAMES),
        candidates(n, 3),
        boost=BoostSettings(),
        seed=1,
        shrinkage=1.0,
    )


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x: np.full(len(x), 3.0), Kind.CONSTANT),
        (lambda x: (x[:, 0] - 5000) / 400, Kind.LINEAR),
        (lambda x: ((x[:, 0] - 5000) / 500) ** 2, Kind.QUADRATIC),
        (lambda x: 4.0 * (x[:, 1] > 2.5) * (x[:, 0] > 5000), Kind.BOOSTED),
    ],
)
def test_the_kind_follows_the_truth(function, kind):
    assert choose(function).kind is kind


def test_few_links_leave_no_choice():
    assert candidates(10, 3) == [Kind.CONSTANT]
    assert candidates(100, 3) == [Kind.CONSTANT, Kind.LINEAR, Kind.QUADRATIC]


def test_left_out_quantiles_come_from_models_that_never_saw_the_star():
    choice = choose(lambda x: np.full(len(x), 3.0), n=60)
    assert choice.left_out.shape == (60, 3)
    assert len(np.unique(choice.left_out[:, 1])) == 5  # one constant a fold
