"""A slope where there are enough stars to speak of one."""

from __future__ import annotations

from app.science.arrays import Floats
from app.science.validation.lines import Line, robust_line

FEWEST = 8


def slope(x: Floats, y: Floats) -> Line:
    """Return the robust line through points (n,) each, NaN with fewer than FEWEST; robust_line says how.

    >>> import numpy as np
    >>> slope(np.arange(5.0), np.arange(5.0)).slope, round(slope(np.arange(9.0), np.arange(9.0)).slope, 3)
    (nan, 1.0)
    """
    return robust_line(x, y) if len(x) >= FEWEST else Line(float("nan"), float("nan"), float("nan"))
