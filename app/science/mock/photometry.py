"""Absolute magnitudes of stars and the dust in front of them.

Bolometric corrections in G after Andrae et al. (2018), BP - RP by inverting the colour-temperature relation of
Mucciarelli, Bellazzini & Massari (2021); the infrared colours follow BP - RP.
"""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats
from app.science.mock.sequences import SUN_TEFF, log_luminosity

BANDS = ("g", "bp", "rp", "j", "h", "k")
EXTINCTION = {"g": 0.84, "bp": 1.07, "rp": 0.65, "j": 0.28, "h": 0.18, "k": 0.114}
"""A(band) / A(V) for a typical star."""

_SUN_MBOL = 4.74
_HOT = (6.000e-2, 6.731e-5, -6.647e-8, 2.859e-11, -7.197e-15)
_COOL = (1.749, 1.977e-3, 3.737e-7, -8.966e-11, -4.183e-14)
_DUST_HEIGHT_KPC = 0.12
_DUST_MAG_PER_KPC = 0.7


def bolometric_correction(teff: Floats) -> Floats:
    """Return BC(G) in mag at Teff in K."""
    hot, cool = (np.polynomial.polynomial.polyval(teff - SUN_TEFF, c) for c in (_HOT, _COOL))
    return np.asarray(np.where(teff > 4000.0, hot, cool), dtype=np.float64)


def colour(teff: Floats, feh: Floats) -> Floats:
    """Return C = BP - RP in mag, where 5040/Teff = 0.4929 + 0.5092 C - 0.0353 C^2; metal-rich stars are redder."""
    theta = 5040.0 / np.clip(teff, 3300.0, 9000.0)
    return (0.5092 - np.sqrt(0.5092**2 - 4.0 * 0.0353 * (theta - 0.4929))) / (2.0 * 0.0353) + 0.02 * feh


def absolute_magnitudes(mass: Floats, teff: Floats, logg: Floats, feh: Floats) -> dict[str, Floats]:
    """Return absolute magnitudes (n,) for each of `BANDS`, free of extinction.

    >>> sun = absolute_magnitudes(*(np.array([x]) for x in (1.0, 5772.0, 4.438, 0.0)))
    >>> [round(float(sun[band][0]), 1) for band in ("g", "bp", "rp", "k")]
    [4.7, 5.0, 4.2, 3.3]
    """
    m_g = _SUN_MBOL - 2.5 * log_luminosity(mass, teff, logg) - bolometric_correction(teff)
    c = colour(teff, feh)
    m_bp, m_k = m_g + 0.33 * c + 0.10 * c**2, m_g - 1.75 * c
    m_h = m_k + 0.07 * c
    return {"g": m_g, "bp": m_bp, "rp": m_bp - c, "j": m_h + 0.40 * c, "h": m_h, "k": m_k}


def visual_extinction(sin_b: Floats, distance_kpc: Floats, patchiness: Floats) -> Floats:
    """Return A(V) in mag through an exponential dust layer, patchy by a factor exp(0.4 N(0, 1)).

    The column to distance d at latitude b is rho h / |sin b| (1 - exp(-d |sin b| / h)).
    """
    rise = np.clip(np.abs(sin_b), 1e-3, None)
    column = _DUST_HEIGHT_KPC / rise * -np.expm1(-distance_kpc * rise / _DUST_HEIGHT_KPC)
    dust: Floats = np.clip(_DUST_MAG_PER_KPC * column * np.exp(0.4 * patchiness), 0.0, 4.0)
    return dust
