"""Surveys of the same invented stars whose noise, bias and stated errors are known exactly."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats
from app.science.validation.stars import SurveyStars

TRUTH_SPREAD = np.array([400.0, 0.7, 0.3])


def truth_of(n: int, *, seed: int = 1) -> Floats:
    """Return true Teff, log g, [Fe/H] of n stars, (n, 3), Gaussian about 4900 K, 2.6, -0.2."""
    return np.array([4900.0, 2.6, -0.2]) + TRUTH_SPREAD * np.random.default_rng(seed).normal(size=(n, 3))


def survey_of(
    truth: Floats,
    error: Floats,
    *,
    seed: int,
    bias: Floats | float = 0.0,
    stated: float = 1.0,
    in_domain: bool = True,
    snr: Floats | None = None,
) -> SurveyStars:
    """Return a survey of reports truth + bias + error * noise, calibrated perfectly, with `stated` times its errors."""
    n = len(truth)
    value = truth + error * np.random.default_rng(seed).normal(size=truth.shape)
    said = np.broadcast_to(error * stated, truth.shape).copy()
    return SurveyStars(
        star=np.arange(n),
        raw=value + bias,
        value=value,
        minus=said,
        plus=said.copy(),
        in_domain=np.full(n, in_domain),
        snr=np.full(n, 80.0) if snr is None else snr,
        magnitude=np.linspace(9, 15, n),
    )
