"""What is published about a survey's own column: unit, UCD, meaning."""

from __future__ import annotations

from dataclasses import dataclass

DIFFERENT = ""
"""Stands for the unit of a column that has one unit in this file and another in that."""


@dataclass(frozen=True)
class ColumnFacts:
    """What files and descriptors say about a column; None for what they do not.

    Attributes:
        unit: in the spelling of VOUnits where these know it.
        known_unit: whether FITS and VOUnits know it.
        ucd: UCD1+.
        description: a sentence.
    """

    unit: str | None = None
    known_unit: bool = True
    ucd: str | None = None
    description: str | None = None

    def followed_by(self, later: ColumnFacts) -> ColumnFacts:
        """Return what is known when another file has come in: its word counts, but a unit must be that of all rows.

        >>> ColumnFacts("K", description="warmth").followed_by(ColumnFacts("K", ucd="phys.temperature"))
        ColumnFacts(unit='K', known_unit=True, ucd='phys.temperature', description='warmth')
        >>> ColumnFacts("K").followed_by(ColumnFacts("km")).unit
        ''
        """
        source = self if later.unit is None else later
        differ = self.unit is not None and later.unit is not None and self.unit != later.unit
        return ColumnFacts(
            DIFFERENT if differ else source.unit,
            source.known_unit,
            later.ucd or self.ucd,
            later.description or self.description,
        )
