"""The split normal that has given 16, 50 and 84 % points.

With r the share below the mode and s = minus + plus, the quantile function of the split normal is
mode + s r Phi^-1(p / 2r) below the mode and mode - s (1 - r) Phi^-1((1 - p) / 2(1 - r)) above it: the ratio of the
upper to the lower half of the 68 % interval depends on r alone, and rises with falling r from 1 at r = 1/2 to 1.546 at
r = 0, the half normal. So r follows from the ratio, s from the interval's length, the mode from the median.
Percentiles that are more unequal than that belong to no split normal. (Barlow, Brazzale & Volobouev, arXiv:2411.15499,
call it the dimidated Gaussian and give the same limit.)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.uncertainty.models import CENTRAL, SplitNormal

LEAST_SHARE = CENTRAL[0]
"""The mode stays inside the 68 % interval: a ratio of the halves of 1.464 at most."""
_NODES = 4001


@dataclass(frozen=True)
class FromPercentiles:
    """What became of percentiles.

    Attributes:
        model: the split normals, (n,).
        bounded: where the halves are too unequal for any; the interval's ends are kept and the median is not, (n,).
    """

    model: SplitNormal
    bounded: Booleans


def split_normal_of(median: Floats, lower: Floats, upper: Floats) -> FromPercentiles:
    """Return the split normals with these medians whose 68 % intervals reach `lower` down and `upper` up.

    Args:
        median: (n,) or any other shape.
        lower: distance from the median down to the 16 % point, of the same shape.
        upper: distance up to the 84 % point.

    >>> found = split_normal_of(np.array([0.0]), np.array([1.0]), np.array([1.2])).model
    >>> found.mode.round(3).tolist(), found.minus.round(3).tolist(), found.plus.round(3).tolist()
    ([-0.331], [0.831], [1.354])
    >>> found.quantile(np.array([0.16, 0.5, 0.84])).round(6).tolist()
    [-1.0, -0.0, 1.2]
    """
    shares, ratios = _ratios()
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.log(upper / lower)
    share = np.interp(wanted, ratios, shares)
    share = np.where(np.isfinite(lower) & np.isfinite(upper), share, np.nan)
    low, high = (_unit_quantile(share, p) for p in CENTRAL)
    total = (lower + upper) / (high - low)
    mode = median + upper - total * high
    bounded = (wanted < ratios[0] - 1e-9) | (wanted > ratios[-1] + 1e-9)
    return FromPercentiles(SplitNormal(mode, total * share, total * (1.0 - share)), np.asarray(bounded))


def _unit_quantile(share: Floats, probability: float) -> Floats:
    """Return the quantile of split normals with mode 0 and minus + plus = 1."""
    return SplitNormal(np.zeros_like(share), share, 1.0 - share).quantile(probability)


@cache
def _ratios() -> tuple[Floats, Floats]:
    """Return shares below the mode, falling, and the logarithm of upper / lower that each gives, rising."""
    share = np.linspace(1.0 - LEAST_SHARE, LEAST_SHARE, _NODES)
    low, middle, high = (_unit_quantile(share, p) for p in (CENTRAL[0], 0.5, CENTRAL[1]))
    return share, np.log((high - middle) / (middle - low))
