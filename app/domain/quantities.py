"""The three stellar parameters that SoS homogenizes: their names, units and physical ranges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Parameter(StrEnum):
    """A stellar parameter; the value is its name in every table and column."""

    TEFF = "teff"
    LOGG = "logg"
    FEH = "feh"


@dataclass(frozen=True)
class Quantity:
    """What a parameter means: its unit, UCD, and the range outside which a value cannot be a star's."""

    parameter: Parameter
    symbol: str
    unit: str
    description: str
    ucd: str
    lowest: float
    highest: float


QUANTITIES: dict[Parameter, Quantity] = {
    Parameter.TEFF: Quantity(
        Parameter.TEFF, "Teff", "K", "Effective temperature", "phys.temperature.effective", 1_000.0, 100_000.0
    ),
    Parameter.LOGG: Quantity(
        Parameter.LOGG, "log g", "dex", "Surface gravity, log10 of cm s^-2", "phys.gravity", -2.0, 9.0
    ),
    Parameter.FEH: Quantity(
        Parameter.FEH, "[Fe/H]", "dex", "Iron abundance relative to the Sun", "phys.abund.Fe", -7.0, 2.0
    ),
}

PARAMETERS: tuple[Parameter, ...] = tuple(Parameter)
