"""Parts of the sky, of whatever shape."""

from __future__ import annotations

from typing import TypeAlias

from app.domain.pixels import PixelSet
from app.domain.polygons import Polygon
from app.domain.sky import Cone

Region: TypeAlias = Cone | Polygon | PixelSet
