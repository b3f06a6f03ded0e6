"""Coverage maps."""

from __future__ import annotations

from app.domain.pixels import PixelSet
from app.factory import Factory
from app.services.coverage import fits_moc


def rehearse(_: Factory) -> None:
    """Write the map of one pixel."""
    assert fits_moc(PixelSet.pixel("5/1"), 5)
