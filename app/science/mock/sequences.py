"""Where a star of given age, [Fe/H] and evolutionary stage stands in the Kiel diagram.

A few closed formulas in place of isochrone tables: zero-age luminosity and radius after Tout et al. (1996), shifted
with metallicity; slow brightening along the main sequence; a subgiant branch between the end of core hydrogen burning
and the foot of the giant branch; a giant branch and a red clump whose Teff depends on log g, [Fe/H] and mass. The
formulas are meant to look like stars, not to be used on stars.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from app.science.arrays import Floats, Integers

SUN_TEFF = 5772.0
SUN_LOGG = 4.438
_L_ABOVE = ((0.39704170, 5.5), (8.52762600, 11.0))
_L_BELOW = (
    (0.00025546, 0.0),
    (1.0, 3.0),
    (5.43288900, 5.0),
    (5.56357900, 7.0),
    (0.78866060, 8.0),
    (0.00586685, 9.5),
)
_R_ABOVE = ((1.71535900, 2.5), (6.59778800, 6.5), (10.08855000, 11.0), (1.01249500, 19.0), (0.07490166, 19.5))
_R_BELOW = ((0.01077422, 0.0), (3.08223400, 2.0), (17.84778000, 8.5), (1.0, 18.5), (0.00022582, 19.5))


class Stage(IntEnum):
    """How far a star has evolved."""

    DWARF = 0
    SUBGIANT = 1
    GIANT = 2
    CLUMP = 3


@dataclass(frozen=True)
class Atmospheres:
    """Mass in solar masses, Teff in K and log g of stars, each (n,)."""

    mass: Floats
    teff: Floats
    logg: Floats


def log_luminosity(mass: Floats, teff: Floats, logg: Floats) -> Floats:
    """Return log10 of the luminosity in suns, from L ~ M Teff^4 / g.

    >>> float(log_luminosity(np.array(1.0), np.array(5772.0), np.array(4.438)))
    0.0
    """
    return np.log10(mass) + 4.0 * np.log10(teff / SUN_TEFF) - (logg - SUN_LOGG)


def turn_off_mass(age_gyr: Floats, feh: Floats) -> Floats:
    """Return the mass (n,) that leaves the main sequence at an age: log t = 1 - 3.3 log M + 0.1 [Fe/H] in Gyr."""
    return np.asarray(10.0 ** ((1.0 + 0.1 * feh - np.log10(age_gyr)) / 3.3), dtype=np.float64)


def place(stage: Integers, age_gyr: Floats, feh: Floats, along: Floats, scatter: Floats) -> Atmospheres:
    """Return mass, Teff and log g of stars on their sequences.

    Args:
        stage: (n,) `Stage` of each star.
        age_gyr: (n,) age.
        feh: (n,) [Fe/H].
        along: (n,) in [0, 1): how far along its stage a star is; for a dwarf, its mass.
        scatter: (n,) standard normal: width of the sequences.
    """
    turn_off = turn_off_mass(age_gyr, feh)
    mass = np.where(stage == Stage.DWARF, _dwarf_mass(turn_off, feh, along), turn_off)
    age_fraction = np.where(stage == Stage.DWARF, np.clip((mass / turn_off) ** 3.3, 0.0, 1.0), 1.0)
    teff, logg = _main_sequence(mass, feh, age_fraction)
    foot = np.minimum(3.6, logg - 0.35)
    branches = (
        _subgiant_branch(teff, logg, foot, mass, feh, along),
        _giant_branch(foot, mass, feh, along, scatter),
        _red_clump(mass, feh, along, scatter),
    )
    for later, (branch_teff, branch_logg) in zip((Stage.SUBGIANT, Stage.GIANT, Stage.CLUMP), branches, strict=True):
        teff = np.where(stage == later, branch_teff, teff)
        logg = np.where(stage == later, branch_logg, logg)
    return Atmospheres(mass, teff + 12.0 * scatter, logg)


def _dwarf_mass(turn_off: Floats, feh: Floats, along: Floats) -> Floats:
    lowest = np.clip(0.6 * 10.0 ** (0.17 * feh), 0.35, None)
    return lowest + (turn_off - lowest) * along**0.8


def _main_sequence(mass: Floats, feh: Floats, age_fraction: Floats) -> tuple[Floats, Floats]:
    log_l = np.log10(_series(_L_ABOVE, mass) / _series(_L_BELOW, mass)) - 0.2 * feh
    log_t = 0.25 * (log_l + 0.2 * feh - 2.0 * _log_radius(mass)) - 0.066 * feh
    log_l = log_l + 0.30 * age_fraction + 0.13 * age_fraction**2
    growth = 0.09 + 0.15 * np.clip(mass - 1.0, 0.0, 0.4)
    swelling = 0.10 + 0.40 * np.clip(mass - 1.1, 0.0, 0.4)
    log_t = log_t + 0.25 * (0.30 * age_fraction + 0.13 * age_fraction**2)
    log_t = log_t - 0.5 * (growth * age_fraction + swelling * age_fraction**4)
    return SUN_TEFF * 10.0**log_t, SUN_LOGG + np.log10(mass) + 4.0 * log_t - log_l


def _log_radius(mass: Floats) -> Floats:
    return np.log10(_series(_R_ABOVE, mass) / _series(_R_BELOW, mass))


def _series(terms: tuple[tuple[float, float], ...], mass: Floats) -> Floats:
    log_m = np.log(mass)
    return np.asarray(sum(factor * np.exp(power * log_m) for factor, power in terms), dtype=np.float64)


def _subgiant_branch(
    teff: Floats, logg: Floats, foot: Floats, mass: Floats, feh: Floats, along: Floats
) -> tuple[Floats, Floats]:
    cool = giant_teff(foot, feh, mass)
    return teff * (cool / teff) ** (along**1.3), logg + (foot - logg) * along


def _giant_branch(foot: Floats, mass: Floats, feh: Floats, along: Floats, scatter: Floats) -> tuple[Floats, Floats]:
    """Stars thin out towards the tip as 10^(0.25 log g): evolution speeds up, brightness makes up for part of it."""
    tip = 0.45 + 0.35 * np.clip(feh + 0.5, 0.0, 1.0)
    low, high = 10.0 ** (0.25 * tip), 10.0 ** (0.25 * foot)
    logg = 4.0 * np.log10(low + (high - low) * along)
    return giant_teff(logg, feh, mass) + 12.0 * scatter, logg


def giant_teff(logg: Floats, feh: Floats, mass: Floats) -> Floats:
    """Return Teff in K of the giant branch at log g, [Fe/H] and mass."""
    shape = 4640.0 + 410.0 * (logg - 2.5) - 60.0 * (logg - 2.5) ** 2
    return shape - 330.0 * feh - 45.0 * feh**2 + 90.0 * (np.minimum(mass, 2.5) - 1.1)


def _red_clump(mass: Floats, feh: Floats, along: Floats, scatter: Floats) -> tuple[Floats, Floats]:
    """Core helium burning at nearly one luminosity; metal-poor stars spread blueward along the horizontal branch."""
    log_l = 1.72 + 0.15 * (along - 0.5) - 0.15 * np.clip(mass - 1.8, 0.0, 0.7)
    spread = 900.0 * along**2 * np.clip(-(feh + 1.0), 0.0, 1.0)
    teff = giant_teff(np.full_like(mass, 2.45), feh, mass) + 130.0 + 25.0 * scatter + spread
    return teff, SUN_LOGG + np.log10(mass) + 4.0 * np.log10(teff / SUN_TEFF) - log_l
