"""Links of an invented survey whose bias and noise are known exactly."""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.links import Links

NOISE = np.array([60.0, 0.12, 0.07])
REFERENCE_NOISE = np.array([10.0, 0.02, 0.01])


def bias_of(truth: Floats) -> Floats:
    """Return a smooth bias (n, 3) of the true Teff, log g, [Fe/H] (n, 3)."""
    teff, logg, feh = truth.T
    return np.column_stack(
        [40 * np.sin((teff - 4800) / 350), 0.25 + 0.08 * np.cos(1.5 * logg), 0.05 - 0.12 * np.tanh(1.5 * (feh + 0.8))]
    )


def giants(n: int, *, seed: int, feh: float = -0.4) -> Floats:
    """Return true parameters of giants (n, 3)."""
    rng = np.random.default_rng(seed)
    logg = rng.uniform(0.8, 3.4, n)
    return np.column_stack([4000 + 330 * logg + rng.normal(0, 120, n), logg, rng.normal(feh, 0.35, n)])


def invented_links(n: int, *, seed: int = 1, feh: float = -0.4, bias: bool = True, repeats: int = 1) -> Links:
    """Return links of `n` giants, `repeats` spectra each, with the standard split."""
    truth = np.repeat(giants(n, seed=seed, feh=feh), repeats, axis=0)
    rng = np.random.default_rng(seed + 1)
    star = np.repeat(np.arange(1, n + 1), repeats)
    reference = np.repeat(giants(n, seed=seed, feh=feh) + REFERENCE_NOISE * rng.normal(size=(n, 3)), repeats, axis=0)
    reported = truth + (bias_of(truth) if bias else 0) + NOISE * rng.normal(size=truth.shape)
    return Links(
        star=star,
        split=np.array([0, 0, 0, 1, 2])[star % 5],
        reported=reported,
        reference=reference,
        reference_error=np.tile(REFERENCE_NOISE, (len(star), 1)),
        nuisance=np.zeros((len(star), 0)),
        nuisance_names=(),
    )
