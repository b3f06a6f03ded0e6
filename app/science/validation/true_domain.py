"""Does a model's domain flag the stars that truly lie outside of what it was trained on, and only those?"""

from __future__ import annotations

from dataclasses import dataclass

from app.science.arrays import Booleans, Floats

BEYOND = (1.0, 1.2, 1.5)
"""Multiples of a domain's limit beyond which stars should be flagged."""


@dataclass(frozen=True)
class DomainShares:
    """Whether a domain's flag finds the stars that truly lie outside of the training support.

    Attributes:
        inside: stars whose true features lie within the limit.
        flagged_inside: share of these that is flagged all the same.
        beyond: stars whose true features lie beyond the limit times 1, 1.2, 1.5.
        caught: share of these that is flagged.
    """

    inside: int
    flagged_inside: float
    beyond: list[int]
    caught: list[float]


def domain_shares(distance: Floats, limit: float, flagged: Booleans) -> DomainShares:
    """Judge a flag by where the true features lie.

    Args:
        distance: from the true features to the 20th nearest training star, (n,).
        limit: the largest that counts as inside.
        flagged: whether the calibrated value was called outside, (n,).

    >>> import numpy as np
    >>> far = np.array([0.5, 0.9, 1.1, 1.3])
    >>> domain_shares(far, 1.0, np.array([False, True, False, True]))
    DomainShares(inside=2, flagged_inside=0.5, beyond=[2, 1, 0], caught=[0.5, 1.0, nan])
    """
    inside = distance <= limit
    beyond = [distance > factor * limit for factor in BEYOND]
    return DomainShares(
        inside=int(inside.sum()),
        flagged_inside=_share(flagged[inside]),
        beyond=[int(part.sum()) for part in beyond],
        caught=[_share(flagged[part]) for part in beyond],
    )


def _share(chosen: Booleans) -> float:
    return float(chosen.mean()) if len(chosen) else float("nan")
