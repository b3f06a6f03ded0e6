"""The width of a survey's scatter is found where it changes with a feature, and is one number where stars are few."""

import numpy as np
import pytest

from app.science.calibration.features import feature_space
from app.science.calibration.width import fit_width

NAMES = ("teff", "logg", "feh", "log_snr")


def scattered(n, *, seed=1):
    rng = np.random.default_rng(seed)
    features = np.column_stack(
        [rng.normal(5000, 500, n), rng.uniform(1, 5, n), rng.normal(0, 0.3, n), rng.uniform(1, 2.5, n)]
    )
    width = 80.0 * 10 ** (-0.4 * (features[:, 3] - 1.0))
    return features, width, width * rng.standard_t(5, n)


def test_a_width_that_falls_with_signal_to_noise_is_recovered():
    features, width, residuals = scattered(5000)
    fitted = fit_width(features, residuals, np.ones(5000), feature_space(features, NAMES))
    ratio = fitted.at(features) / width
    assert ratio.std() / ratio.mean() < 0.13
    scaled = residuals / fitted.at(features)
    assert 1.4826 * np.median(np.abs(scaled - np.median(scaled))) == pytest.approx(1.0, abs=0.02)


def test_few_stars_get_one_width_and_no_star_an_extrapolated_one():
    features, _, residuals = scattered(50)
    few = fit_width(features, residuals, np.ones(50), feature_space(features, NAMES))
    assert len(np.unique(few.at(features))) == 1
    features, width, residuals = scattered(5000)
    many = fit_width(features, residuals, np.ones(5000), feature_space(features, NAMES))
    far = np.array([[9000.0, 9.0, 5.0, -3.0], [3000.0, -2.0, -9.0, 9.0]])
    assert (many.at(far) < 1.3 * width.max()).all()
    assert (many.at(far) > 0.7 * width.min()).all()
