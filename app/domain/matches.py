"""Tables that users send to have homogenized columns joined to their rows."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.columns import Column, Kind
from app.domain.files import FileFormat

MOST_ROWS = 1_000_000
LARGEST_RADIUS_DEG = 0.1

SEPARATION = Column(
    "separation_arcsec", Kind.REAL, "Distance of the star from the position", "arcsec", "pos.angDistance"
)
CANDIDATES = Column("n_candidates", Kind.INTEGER, "Stars within the radius of the position", None, "meta.number")


@dataclass(frozen=True)
class MatchRequest:
    """How to match a table.

    Attributes:
        columns: of the catalogue, which are joined.
        radius: degrees around positions; None matches identifiers.
        ra: name of the column with right ascensions; None finds it by UCD or name.
        dec: the same of declinations.
        id: the same of identifiers.
        file: the kind of file to return; None for the kind that came.
        version: of the catalogue; None for the published one.
    """

    columns: tuple[Column, ...]
    radius: float | None = None
    ra: str | None = None
    dec: str | None = None
    id: str | None = None
    file: FileFormat | None = None
    version: int | None = None
