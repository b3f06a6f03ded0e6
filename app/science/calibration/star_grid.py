"""The tabulated median bias as the draws of one star see it: its S/N and magnitude fixed, its parameters free.

The shares of the nodes around a star's S/N and magnitude are worked out once; a draw then costs one trilinear
interpolation.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from app.science.calibration.inversion import _locate


@numba.njit(cache=True, nogil=True)
def blend_of(median: Any, nuisance: Any, offset: Any, share: Any) -> int:
    """Write places and shares of the nodes around a star's nuisance (2,), which its draws share; return how many."""
    axes, sizes, _ = median
    start = sizes[0] + sizes[1] + sizes[2]
    first, part, _ = _locate(axes, start, sizes[3], nuisance[0])
    second, other, _ = _locate(axes, start + sizes[3], sizes[4], nuisance[1])
    count = 0
    for i in range(2 if part > 0.0 else 1):
        for j in range(2 if other > 0.0 else 1):
            offset[count] = (first + i) * sizes[4] + second + j
            share[count] = (part if i else 1.0 - part) * (other if j else 1.0 - other)
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def bias_at(median: Any, at: Any, blend: Any, out: Any) -> None:
    """Write the median bias at `at` (3,) into `out` (3,)."""
    axes, sizes, table = median
    offset, share, count = blend
    i, u, _ = _locate(axes, 0, sizes[0], at[0])
    j, v, _ = _locate(axes, sizes[0], sizes[1], at[1])
    k, w, _ = _locate(axes, sizes[0] + sizes[1], sizes[2], at[2])
    first, second, third = 0.0, 0.0, 0.0
    inner = sizes[3] * sizes[4]
    for a in range(2 if u > 0.0 else 1):
        for b in range(2 if v > 0.0 else 1):
            for c in range(2 if w > 0.0 else 1):
                weight = (u if a else 1.0 - u) * (v if b else 1.0 - v) * (w if c else 1.0 - w)
                row = (((i + a) * sizes[1] + j + b) * sizes[2] + k + c) * inner
                for n in range(count):
                    part = weight * share[n]
                    first += part * table[row + offset[n], 0]
                    second += part * table[row + offset[n], 1]
                    third += part * table[row + offset[n], 2]
    out[0], out[1], out[2] = first, second, third


@numba.njit(cache=True, nogil=True)
def slopes_over(median: Any, value: Any, reach: Any, blend: Any, slope: Any) -> None:
    """Write I + db/dt (3, 3) at `value`, by differences over `reach` (3,) to either side."""
    at, low, high = value.copy(), np.empty(3), np.empty(3)
    for q in range(3):
        at[q] = value[q] - reach[q]
        bias_at(median, at, blend, low)
        at[q] = value[q] + reach[q]
        bias_at(median, at, blend, high)
        at[q] = value[q]
        for p in range(3):
            slope[p, q] = (high[p] - low[p]) / (2.0 * reach[q]) + (1.0 if p == q else 0.0)


@numba.njit(cache=True, nogil=True)
def rest_of(median: Any, at: Any, wanted: Any, blend: Any, rest: Any) -> None:
    """Write wanted - t - b(t) into `rest` (3,)."""
    bias_at(median, at, blend, rest)
    for p in range(3):
        rest[p] = wanted[p] - at[p] - rest[p]
