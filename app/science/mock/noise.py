"""The true noise of the simulated surveys: its size with S/N, its correlations, its tails.

Sizes are 68 % half-widths, given as (n, 3) for Teff in K, log g and [Fe/H].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from app.science.arrays import Floats
from app.science.mock.biases import Truth
from app.science.mock.smooth import step, through

MEDIAN_NORMAL = 0.6744897501960817


Size = Callable[[Truth, Floats], Floats]


@dataclass(frozen=True)
class Floored:
    """sigma^2 = floor^2 + (photon x reference S/N / S/N)^2, the same in every direction of parameter space."""

    floor: tuple[float, float, float]
    photon: tuple[float, float, float]
    reference_snr: float

    def __call__(self, _truth: Truth, snr: Floats) -> Floats:
        """Return sigma (n, 3) at S/N (n,)."""
        weakness = (self.reference_snr / np.clip(snr, 5.0, None))[:, None]
        size: Floats = np.hypot(np.array(self.floor), np.array(self.photon) * weakness)
        return size


def lamost_lrs(_truth: Truth, snr: Floats) -> Floats:
    """159 K, 0.19, 0.13 below S/N 30, falling to 95 K, 0.08, 0.05 above 110 (repeats of LAMOST DR10)."""
    ends = ((159.0, 95.0), (0.19, 0.08), (0.13, 0.05))
    log_snr = np.log10(np.clip(snr, 1.0, None))
    low, high = np.log10(30.0), np.log10(110.0)
    return np.stack([through(((low, faint), (high, bright)), log_snr) for faint, bright in ends], axis=1)


def gaia_gspspec(truth: Truth, _snr: Floats) -> Floats:
    """Teff 90 K for bright giants and 135 K for dwarfs, 145 and 258 K beyond G = 11 (GSP-Spec against Gaia-ESO)."""
    dwarf, faint = step(truth.logg, 3.5, 0.15), step(truth.g, 11.0, 0.2)
    corners = ((90.0, 135.0, 145.0, 258.0), (0.13, 0.18, 0.20, 0.26), (0.08, 0.10, 0.13, 0.16))
    return np.stack([_bilinear(dwarf, faint, *corner) for corner in corners], axis=1)


def _bilinear(
    dwarf: Floats, faint: Floats, giant_near: float, dwarf_near: float, giant_far: float, dwarf_far: float
) -> Floats:
    near = giant_near + (dwarf_near - giant_near) * dwarf
    return near + (giant_far + (dwarf_far - giant_far) * dwarf - near) * faint


def draw(rng: np.random.Generator, logg: Floats, *, teff_feh: float, degrees_of_freedom: float | None) -> Floats:
    """Return correlated errors (n, 3) in units of their sizes; half of them lie within 0.674 of zero.

    Teff and [Fe/H] correlate by `teff_feh`, Teff and log g by +0.5 for giants and +0.1 for dwarfs, log g and [Fe/H] by
    +0.3 and +0.1. Finite degrees of freedom give the heavy tails of a multivariate t distribution.

    Args:
        rng: generator.
        logg: (n,) true log g.
        teff_feh: correlation of Teff and [Fe/H].
        degrees_of_freedom: of the t distribution, None for normal errors.
    """
    n = len(logg)
    giant = 1.0 - step(logg, 3.5, 0.1)
    teff_logg, logg_feh = 0.1 + 0.4 * giant, 0.1 + 0.2 * giant
    z = rng.standard_normal((n, 3))
    across = np.sqrt(1.0 - teff_logg**2)
    mixed = (logg_feh - teff_logg * teff_feh) / across
    rest = np.sqrt(1.0 - teff_feh**2 - mixed**2)
    errors = np.stack(
        [z[:, 0], teff_logg * z[:, 0] + across * z[:, 1], teff_feh * z[:, 0] + mixed * z[:, 1] + rest * z[:, 2]], axis=1
    )
    if degrees_of_freedom is None:
        return errors
    stretch = np.sqrt(degrees_of_freedom / rng.chisquare(degrees_of_freedom, n))
    return errors * (stretch * MEDIAN_NORMAL / stdtrit(degrees_of_freedom, 0.75))[:, None]


def skewed(errors: Floats, skew: float) -> Floats:
    """Return errors whose upper half is stretched by `skew` and whose lower half shrinks by it; the median stays."""
    return np.asarray(np.where(errors > 0.0, errors * skew, errors / skew), dtype=np.float64)
