"""Sets that grow together (union-find); the root of a set is its first row.

Numba caches callers with a copy of these functions inside: whoever changes one here touches the callers' files too.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from app.science.arrays import Integers


def singles(n: int) -> Integers:
    """Return n sets of one row each, as the parents (n,) of a forest."""
    return np.arange(n, dtype=np.int64)


@numba.njit(cache=True, nogil=True)
def root(parent: Any, i: Any) -> Any:
    """Return the first row of the set of row i, and shorten the way to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True, nogil=True)
def unite(parent: Any, i: Any, j: Any) -> Any:
    """Make one set of the sets of rows i and j, and return its root."""
    a, b = root(parent, i), root(parent, j)
    first, second = min(a, b), max(a, b)
    parent[second] = first
    return first


@numba.njit(cache=True, nogil=True)
def roots(parent: Any) -> Any:
    """Return the root (n,) of every row."""
    result = np.empty(len(parent), np.int64)
    for i in range(len(parent)):
        result[i] = root(parent, i)
    return result


@numba.njit(cache=True, nogil=True)
def common_value(root_of: Any, value: Any) -> Any:
    """Return for each root (n,) the value that all rows of its set agree on: 0 where none has one, -1 where two differ.

    Args:
        root_of: (n,) root of each row.
        value: (n,) value of each row, 0 for none, -1 for already contradictory.
    """
    agreed = np.zeros(len(root_of), np.int64)
    for i in range(len(root_of)):
        r = root_of[i]
        if value[i] == 0 or agreed[r] == value[i]:
            continue
        agreed[r] = value[i] if agreed[r] == 0 else -1
    return agreed
