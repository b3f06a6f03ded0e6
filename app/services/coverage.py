"""Coverage maps (IVOA MOC 2.0) as files."""

from __future__ import annotations

import io

import numpy as np

from app.domain.pixels import PixelSet


def fits_moc(pixels: PixelSet, order: int) -> bytes:
    """Return a set of pixels as a FITS file."""
    from mocpy import MOC  # noqa: PLC0415 - takes two seconds, and only these files need it

    ranges = np.array(pixels.ranges, np.uint64).reshape(-1, 2)
    out = io.BytesIO()
    MOC.from_depth29_ranges(order, ranges).serialize("fits").writeto(out)
    return out.getvalue()
