"""The systematic differences survey - truth that the simulated surveys carry.

Each function takes the true Teff (K), log g, [Fe/H] and the G magnitude of stars, each (n,), and returns the bias in
the three parameters as (n, 3). All are smooth, and gentle enough that truth + bias(truth) has one solution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.mock.smooth import step, through

GSPSPEC_LOGG = (0.4496, -0.0036, -0.0224)
GSPSPEC_MH = (0.274, -0.1373, -0.0050, 0.0048)
"""Published corrections of GSP-Spec, powers of the raw log g, to be added (Recio-Blanco et al. 2023)."""

_GALAH_TEFF = (
    (3800.0, -150.0),
    (4200.0, -85.0),
    (4500.0, -45.0),
    (4750.0, -40.0),
    (5000.0, -38.0),
    (5300.0, 30.0),
    (5450.0, 48.0),
    (5600.0, 45.0),
    (6000.0, 0.0),
    (6300.0, -30.0),
    (6700.0, -125.0),
    (7200.0, -250.0),
    (8000.0, -370.0),
)
_GALAH_LOGG = (
    (0.0, 0.40),
    (0.75, 0.26),
    (1.5, 0.10),
    (2.2, 0.05),
    (2.45, 0.0),
    (2.7, -0.05),
    (3.2, 0.0),
    (5.0, 0.0),
)
_GALAH_FEH = ((-3.0, 0.14), (-2.0, 0.14), (-1.5, 0.13), (-1.0, 0.10), (-0.5, 0.03), (0.0, -0.03), (0.5, -0.14))


@dataclass(frozen=True)
class Truth:
    """What a bias may depend on: true parameters and G magnitude, each (n,)."""

    teff: Floats
    logg: Floats
    feh: Floats
    g: Floats


Bias = Callable[[Truth], Floats]


def none(truth: Truth) -> Floats:
    """No bias at all: APOGEE, which defines the scale, and every survey of the null sky."""
    return np.zeros((len(truth.teff), 3))


def galah(truth: Truth) -> Floats:
    """Too cool below 5000 K, too hot at 5300-5600 K; log g too high at the tip; metal-poor stars too rich."""
    teff = through(_GALAH_TEFF, truth.teff) - 85.0 * np.tanh((truth.feh + 0.15) / 0.6)
    feh = through(_GALAH_FEH, truth.feh) - 0.06 * np.tanh((truth.teff - 5772.0) / 600.0)
    return np.stack([teff, through(_GALAH_LOGG, truth.logg), feh], axis=1)


def lamost_lrs(truth: Truth) -> Floats:
    """Giants 20-60 K too cool, F stars 50 K too hot; log g up to 0.15 high; [Fe/H] 0.06 high, more below -1.5."""
    giants = through(((3800.0, -60.0), (4400.0, -48.0), (4900.0, -32.0), (5500.0, -20.0)), truth.teff)
    dwarfs = through(((4200.0, -15.0), (5200.0, 0.0), (5800.0, 15.0), (6300.0, 48.0), (7000.0, 55.0)), truth.teff)
    giant = 1.0 - step(truth.logg, 3.6, 0.15)
    teff = dwarfs + giant * (giants - dwarfs)
    logg = 0.075 - 0.05 * np.tanh((truth.feh + 0.5) / 0.6) + 0.025 * np.tanh((truth.teff - 5200.0) / 600.0)
    feh = through(((-3.0, 0.32), (-2.5, 0.24), (-2.0, 0.15), (-1.5, 0.08), (-1.1, 0.06), (0.5, 0.06)), truth.feh)
    return np.stack([teff, logg, feh], axis=1)


def lamost_mrs(truth: Truth) -> Floats:
    """Within 30 K and 0.05 dex, [Fe/H] between 0.05 low and right."""
    teff = 30.0 * np.tanh((truth.teff - 5300.0) / 500.0)
    logg = 0.05 * np.tanh((truth.logg - 3.4) / 0.8)
    feh = -0.025 - 0.025 * np.tanh((truth.feh + 0.6) / 0.6)
    return np.stack([teff, logg, feh], axis=1)


def gaia_gspspec(truth: Truth) -> Floats:
    """10 K hot when bright and 100 K beyond G = 11; log g and [M/H] before the two published corrections."""
    raw_logg = gspspec_raw_logg(truth.logg)
    teff = 10.0 + 90.0 * step(truth.g, 11.0, 0.2)
    return np.stack([teff, raw_logg - truth.logg, -np.polynomial.polynomial.polyval(raw_logg, GSPSPEC_MH)], axis=1)


def gspspec_raw_logg(logg: Floats) -> Floats:
    """Return the raw log g x that the published correction maps to `logg`: x + p0 + p1 x + p2 x^2 = logg.

    >>> raw = gspspec_raw_logg(np.array([2.5]))
    >>> float((raw + np.polynomial.polynomial.polyval(raw, GSPSPEC_LOGG)).round(9)[0])
    2.5
    """
    p0, p1, p2 = GSPSPEC_LOGG
    root = np.sqrt((1.0 + p1) ** 2 - 4.0 * p2 * (p0 - logg))
    return np.asarray((root - (1.0 + p1)) / (2.0 * p2), dtype=np.float64)


def rave(truth: Truth) -> Floats:
    """A trend from 100 K cool to 100 K hot, log g 0.1 high, [M/H] 0.1 low."""
    teff = 100.0 * np.tanh((truth.teff - 5300.0) / 700.0)
    return np.stack([teff, np.full_like(teff, 0.10), np.full_like(teff, -0.10)], axis=1)


def small_a(truth: Truth) -> Floats:
    """Smooth and arbitrary: giants of a southern survey."""
    teff = 62.0 + 0.06 * (truth.teff - 4800.0)
    return np.stack([teff, -0.14 + 0.05 * (truth.logg - 2.5), 0.09 - 0.06 * (truth.feh + 0.3)], axis=1)


def small_b(truth: Truth) -> Floats:
    """Smooth and arbitrary: dwarfs of a northern survey."""
    teff = -48.0 - 0.05 * (truth.teff - 5800.0)
    return np.stack([teff, 0.08 + 0.06 * (truth.logg - 4.2), -0.07 + 0.05 * (truth.feh + 0.2)], axis=1)
