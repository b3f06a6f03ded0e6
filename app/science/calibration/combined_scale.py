"""The reference scale as a finished version has it: each star's combined value, for surveys that come afterwards.

The interval of a combined value holds the star's own error and what it inherits of the surveys' zero points,
w^T C w with the weights w of the surveys in it and the covariance C of their zero points. The second part is the same
for many stars, so that it is taken out of each star's error and kept beside it.
"""

from __future__ import annotations

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.calibration.network_scale import ScaleError
from app.science.calibration.scale import ReferenceScale
from app.science.combination.common_error import SMALLEST_SHARE


def combined_scale(
    star: Integers, value: Floats, error: Floats, shares: Floats, names: tuple[str, ...], covariance: Floats
) -> tuple[ReferenceScale, ScaleError]:
    """Return the scale of combined values, and what is uncertain in it as a whole.

    Args:
        star: star numbers, rising, each once, (m,).
        value: combined Teff (K), log g, [Fe/H], NaN where there is none, (m, 3).
        error: symmetric half width of the 68 % interval, (m, 3).
        shares: weight of each survey in the value, (m, 3, J).
        names: the surveys, (J,).
        covariance: of their zero points, (3, J, J).

    >>> scale, common = combined_scale(np.array([4]), np.ones((1, 3)), np.full((1, 3), 0.5), np.ones((1, 3, 1)), ("a",),
    ...                                np.full((3, 1, 1), 0.09))
    >>> [part.round(3).tolist() for part in scale.at(np.array([4]))]
    [[[1.0, 1.0, 1.0]], [[0.4, 0.4, 0.4]]]
    """
    scale = ReferenceScale.of(star)
    own = np.sqrt(np.maximum(np.square(error) - inherited(shares, covariance), SMALLEST_SHARE * np.square(error)))
    scale.add(star, value, own, np.isfinite(value))
    return scale, ScaleError(names, star, np.where(np.isfinite(value)[:, :, None], shares, 0.0), covariance)


def inherited(shares: Floats, covariance: Floats) -> Floats:
    """Return the variance (m, 3) that stars inherit of the surveys' zero points; arguments as in `combined_scale`."""
    return np.asarray(np.einsum("mpj,pjk,mpk->mp", shares, covariance, shares))
