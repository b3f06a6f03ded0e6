"""What is uncertain in the scale as a whole, and which stars feel how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers


@dataclass(frozen=True)
class ScaleError:
    """The zero points of the strong surveys and their part in every star.

    Attributes:
        names: the strong surveys, (J,).
        stars: star numbers, rising, (m,).
        shares: weight of each strong survey in the star's value, (m, 3, J); zero where the scale knows nothing.
        covariance: of the strong surveys' zero points, (3, J, J).
    """

    names: tuple[str, ...]
    stars: Integers
    shares: Floats
    covariance: Floats


def scale_error(values: Mapping[str, tuple[Integers, Floats, Booleans]], covariance: Floats) -> ScaleError:
    """Return the error of a scale that is the inverse-variance mean of strong surveys.

    Args:
        values: per survey star (n,), standard errors and whether the value is on the scale, (n, 3) each.
        covariance: of their zero points, (3, J, J).

    >>> one = (np.array([4]), np.full((1, 3), 0.1), np.ones((1, 3), dtype=bool))
    >>> scale_error({"a": one, "b": one}, np.zeros((3, 2, 2))).shares[0, 0].tolist()
    [0.5, 0.5]
    """
    stars = np.unique(np.concatenate([star for star, _, _ in values.values()]))
    weight = np.zeros((len(stars), 3, len(values)))
    for j, (star, error, used) in enumerate(values.values()):
        place = np.searchsorted(stars, star)
        for p in range(3):
            good = used[:, p] & np.isfinite(error[:, p]) & (error[:, p] > 0)
            weight[:, p, j] = np.bincount(place[good], 1.0 / np.square(error[good, p]), minlength=len(stars))
    total = weight.sum(axis=2, keepdims=True)
    return ScaleError(tuple(values), stars, weight / np.where(total > 0, total, 1.0), covariance)
