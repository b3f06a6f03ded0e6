"""Draws of errors that belong to a measurement: the same in any order and any chunking.

Each number is a function of (seed, measurement number, draw, dimension) and of nothing else (counter-based, as in
Salmon et al. 2011): splitmix64's finalizer mixes the key (Steele, Lea & Flood 2014). Two kinds:

- random: a hash for every draw;
- quasi: the first points of Sobol's sequence, moved for each measurement by its own random digital shift (Owen 1995;
  L'Ecuyer & Lemieux 2002). Each draw is still uniform and measurements are independent of each other, but the draws of
  one measurement fill the unit cube evenly, so that its 16 and 84 % points come out several times more precise
  (docs/errors.md, "How many draws"). The number of draws is a power of two.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from scipy import special
from scipy.stats import qmc

from app.science.arrays import Floats, Integers
from app.science.uncertainty.models import Gaussian, MultivariateGaussian, SplitNormal

DIMENSIONS = 3
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def standard_normals(seed: int, number: Integers, draws: int, *, quasi: bool = True) -> Floats:
    """Return independent standard normal draws (n, draws, 3) of measurements with these numbers (n,).

    Args:
        seed: of the whole run.
        number: of the measurements, never their places: the place changes with the chunk.
        draws: how many each, a power of two where `quasi`.
        quasi: evenly spread draws instead of random ones.

    Raises:
        ValueError: `quasi` and `draws` is no power of two.

    >>> whole = standard_normals(1, np.array([7, 8, 9]), 4)
    >>> bool((standard_normals(1, np.array([9, 7]), 4) == whole[[2, 0]]).all())
    True
    """
    base = net(draws) if quasi else np.empty((draws, 0), np.uint32)
    uniform = _uniforms(np.uint64(seed), np.ascontiguousarray(number, np.int64).view(np.uint64), base)
    return np.asarray(special.ndtri(uniform))


def draw_gaussians(model: Gaussian, seed: int, number: Integers, draws: int, *, quasi: bool = True) -> Floats:
    """Return draws (n, draws, 3) of a model of shape (n, 3)."""
    z = standard_normals(seed, number, draws, quasi=quasi)
    return np.asarray(model.value[:, None, :] + model.sigma[:, None, :] * z)


def draw_multivariate(
    model: MultivariateGaussian, seed: int, number: Integers, draws: int, *, quasi: bool = True
) -> Floats:
    """Return correlated draws (n, draws, 3) of a model with value (n, 3)."""
    z = correlated(standard_normals(seed, number, draws, quasi=quasi), model.correlation)
    return np.asarray(model.value[:, None, :] + model.sigma[:, None, :] * z)


def draw_split_normals(
    model: SplitNormal, correlation: Floats, seed: int, number: Integers, draws: int, *, quasi: bool = True
) -> Floats:
    """Return draws (n, draws, 3) of split normals (n, 3) that go together by a Gaussian copula.

    Args:
        model: the marginal distributions.
        correlation: of the underlying normals, positive definite, (1, 3, 3) or (n, 3, 3).
        seed: of the whole run.
        number: of the measurements, (n,).
        draws: how many each.
        quasi: evenly spread draws instead of random ones.
    """
    z = correlated(standard_normals(seed, number, draws, quasi=quasi), correlation)
    each = SplitNormal(model.mode[:, None, :], model.minus[:, None, :], model.plus[:, None, :])
    return each.quantile(special.ndtr(z))


def correlated(z: Floats, correlation: Floats) -> Floats:
    """Return normal draws (n, draws, k) with the correlation (1, k, k) or (n, k, k)."""
    return np.asarray(z @ np.linalg.cholesky(correlation).transpose(0, 2, 1))


@cache
def net(draws: int) -> Any:
    """Return the first points of Sobol's sequence as 32-bit fractions, (draws, 3).

    Raises:
        ValueError: the number is no power of two.
    """
    if draws < 1 or draws & (draws - 1):
        raise ValueError(f"draws: evenly spread ones come in powers of two, got {draws}")
    points = qmc.Sobol(DIMENSIONS, scramble=False, bits=32).random(draws)
    return np.ascontiguousarray((points * 2.0**32).astype(np.uint32))


@numba.njit(cache=True, nogil=True)
def mixed(key: Any) -> Any:
    """Return 64 bits that look random for each key."""
    key = (key ^ (key >> np.uint64(30))) * _MIX_1
    key = (key ^ (key >> np.uint64(27))) * _MIX_2
    return key ^ (key >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def key_of(seed: Any, number: Any) -> Any:
    """Return the key of a measurement."""
    return mixed(mixed(seed + _STEP) ^ mixed(number + _STEP + _STEP))


@numba.njit(cache=True, nogil=True)
def hashed(key: Any, counter: Any) -> Any:
    """Return the 64 bits of a measurement's draw `counter`."""
    return mixed(key + np.uint64(counter + 1) * _STEP)


@numba.njit(cache=True, nogil=True)
def draw_normals(key: Any, base: Any, draw: int, z: Any) -> None:
    """Write the independent normals z (3,) of a measurement's draw."""
    for d in range(3):
        moved = base[draw, d] ^ np.uint32(hashed(key, d) >> np.uint64(32))
        z[d] = inverse_normal((np.float64(moved) + 0.5) * 2.0**-32)


@numba.njit(cache=True, nogil=True)
def inverse_normal(p: float) -> Any:
    """Return the standard normal quantile to 1.2e-9 of itself (Acklam's rational approximation)."""
    if p < 0.02425 or p > 0.97575:
        q = np.sqrt(-2.0 * np.log(min(p, 1.0 - p)))
        top = -7.784894002430293e-03 * q - 3.223964580411365e-01
        top = (((top * q - 2.400758277161838) * q - 2.549732539343734) * q + 4.374664141464968) * q + 2.938163982698783
        low = (
            ((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q + 3.754408661907416
        ) * q
        return (top / (low + 1.0)) * (1.0 if p < 0.5 else -1.0)
    q = p - 0.5
    r = q * q
    top = ((-3.969683028665376e01 * r + 2.209460984245205e02) * r - 2.759285104469687e02) * r + 1.383577518672690e02
    top = (top * r - 3.066479806614716e01) * r + 2.506628277459239
    low = ((-5.447609879822406e01 * r + 1.615858368580409e02) * r - 1.556989798598866e02) * r + 6.680131188771972e01
    return q * top / ((low * r - 1.328068155288572e01) * r + 1.0)


@numba.njit(cache=True, nogil=True)
def _uniforms(seed: Any, number: Any, base: Any) -> Any:
    draws = base.shape[0]
    out = np.empty((len(number), draws, DIMENSIONS))
    for i in range(len(number)):
        key = key_of(seed, number[i])
        for d in range(DIMENSIONS):
            shift = np.uint32(hashed(key, d) >> np.uint64(32))
            for k in range(draws):
                if base.shape[1]:
                    out[i, k, d] = (np.float64(base[k, d] ^ shift) + 0.5) * 2.0**-32
                else:
                    out[i, k, d] = (np.float64(hashed(key, k * DIMENSIONS + d) >> np.uint64(11)) + 0.5) * 2.0**-53
    return out
