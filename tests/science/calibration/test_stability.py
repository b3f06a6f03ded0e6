"""The spread of refits is the error of the correction, whose size is known for a constant: that of a median."""

import numpy as np
import pytest

from app.science.calibration.bias_model import Kind
from app.science.calibration.features import STELLAR, feature_space
from app.science.calibration.settings import BoostSettings
from app.science.calibration.stability import Refit, spread_of_refits
from tests.support.links import NOISE, REFERENCE_NOISE, invented_links


@pytest.mark.parametrize(("stars", "kind"), [(240, Kind.CONSTANT), (4000, Kind.CONSTANT)])
def test_the_error_of_a_constant_is_that_of_a_median(stars, kind):
    found = []
    for seed in range(40):
        links = invented_links(stars, seed=40 + 3 * seed, bias=False)
        space = feature_space(links.reference, STELLAR)
        refit = Refit(kind, space, BoostSettings(), seed=1, shrinkage=1.0)
        target = links.reported[:, 0] - links.reference[:, 0]
        found.append(spread_of_refits(refit, links, target, links.reference, links.reference) ** 2)
    expected = 1.2533 * np.hypot(NOISE[0], REFERENCE_NOISE[0]) / np.sqrt(stars)
    assert np.sqrt(np.mean(found)) == pytest.approx(expected, rel=0.3)


def test_a_model_that_bends_more_is_less_stable():
    links = invented_links(800, seed=3)
    space, target = feature_space(links.reference, STELLAR), links.reported[:, 0] - links.reference[:, 0]
    spread = [
        spread_of_refits(Refit(kind, space, BoostSettings(), 1, 1.0), links, target, links.reference, links.reference)
        for kind in (Kind.CONSTANT, Kind.QUADRATIC)
    ]
    assert spread[0] < spread[1]
