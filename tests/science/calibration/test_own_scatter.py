"""What is left of the scatter is the survey's, also where the reference is worse for fainter stars."""

from dataclasses import replace

import numpy as np
import pytest

from app.science.calibration.features import feature_space, stack
from app.science.calibration.own_scatter import with_own_scatter
from tests.support.links import bias_of, invented_links

OWN = np.array([60.0, 0.12, 0.07])


def links(n, *, share):
    """Links whose noise, and the reference's with it (by `share`), falls with S/N; the regressor is the truth."""
    base = invented_links(n, seed=5)
    rng = np.random.default_rng(6)
    log_snr = rng.uniform(1.2, 2.4, n)
    own = OWN * (10 ** (-0.4 * (log_snr - 1.2)))[:, None]
    reported = base.reference + bias_of(base.reference) + np.hypot(own, share * own) * rng.normal(size=(n, 3))
    return replace(
        base, reported=reported, reference_error=share * own, nuisance=log_snr[:, None], nuisance_names=("log_snr",)
    ), own


@pytest.mark.parametrize(("stars", "within"), [(700, 0.15), (6000, 0.07)])
def test_the_survey_keeps_its_own_scatter_at_every_signal_to_noise(stars, within):
    found, own = links(stars, share=0.6)
    space = feature_space(stack(found.reference, found.nuisance), ("teff", "logg", "feh", "log_snr"))
    treated = with_own_scatter(found, space, shrinkage=3.0, seed=1)
    residual = (treated.reported - treated.reference - bias_of(treated.reference)) / own
    faint = treated.nuisance[:, 0] < 1.8
    for chosen in (faint, ~faint):
        assert residual[chosen].std(axis=0) == pytest.approx([1, 1, 1], abs=within)


def test_a_reference_error_larger_than_the_scatter_takes_half_of_the_variance():
    found, own = links(3000, share=0.2)
    space = feature_space(stack(found.reference, found.nuisance), ("teff", "logg", "feh", "log_snr"))
    absurd = replace(found, reference_error=10 * own)
    treated = with_own_scatter(absurd, space, shrinkage=3.0, seed=1)
    residual = (treated.reported - treated.reference - bias_of(treated.reference)) / own
    assert residual.std(axis=0) == pytest.approx([1.02 / np.sqrt(2)] * 3, abs=0.08)
