"""How far a position is from the edges of a polygon whose corners are known, as an expression in SQL."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Beside an edge, between the planes through its ends at right angles to it, the distance is that from its great circle;
# elsewhere it is that from a corner. A row is an edge: its plane (n), the others (s, t), the corner it begins at (a).
_DISTANCE = """(SELECT degrees(min(least(
    CASE WHEN p.x * e.sx + p.y * e.sy + p.z * e.sz >= 0 AND p.x * e.tx + p.y * e.ty + p.z * e.tz >= 0
         THEN asin(least(abs(p.x * e.nx + p.y * e.ny + p.z * e.nz), 1)) ELSE pi() END,
    2 * asin(least(sqrt((p.x - e.ax) ^ 2 + (p.y - e.ay) ^ 2 + (p.z - e.az) ^ 2) / 2, 1)))))
FROM (SELECT cos(radians({dec})) * cos(radians({ra})) AS x, cos(radians({dec})) * sin(radians({ra})) AS y,
             sin(radians({dec})) AS z) AS p
CROSS JOIN unnest({edges}) AS e (nx, ny, nz, sx, sy, sz, tx, ty, tz, ax, ay, az))"""


def edge_distance_deg(ra: str, dec: str, edges: NDArray[np.float64]) -> str:
    """Return the expression for the distance in degrees of a position from the nearest place on a polygon's edges.

    Args:
        ra: expression in degrees.
        dec: expression in degrees.
        edges: (n, 12), vectors of each: normals of its plane and of the two at its ends, pointing along it, and the
            corner it begins at.
    """
    return _DISTANCE.format(ra=ra, dec=dec, edges=", ".join(_array(column) for column in edges.T))


def _array(numbers: Iterable[float]) -> str:
    return f"ARRAY[{', '.join(repr(float(number)) for number in numbers)}]::float8[]"
