"""Which stars a survey points its fibres at, and how well it sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.mock.footprints import Fields
from app.science.mock.sky import Stars
from app.science.mock.smooth import step

MOST_VISITS = 8


@dataclass(frozen=True)
class Selection:
    """A footprint, a magnitude range that ends over `faint_width`, a range of Teff, and preferences.

    `poor_share` is the share of stars below [Fe/H] = -0.9 that is kept, `dwarf_share` of those above log g = 3.8: real
    targeting favours one kind over another, so that the stars two surveys share are not a fair sample of either.
    """

    fields: Fields
    band: str
    magnitudes: tuple[float, float]
    teff: tuple[float, float]
    completeness: float
    poor_share: float = 1.0
    dwarf_share: float = 1.0
    faint_width: float = 0.15

    def probability(self, stars: Stars) -> Floats:
        """Return the chance (n,) of each star to be observed."""
        magnitude = getattr(stars, self.band)
        bright, faint = self.magnitudes
        chance = self.completeness * step(magnitude, bright, 0.08) * (1.0 - step(magnitude, faint, self.faint_width))
        chance *= self.poor_share + (1.0 - self.poor_share) * step(stars.feh, -0.9, 0.15)
        chance *= self.dwarf_share + (1.0 - self.dwarf_share) * (1.0 - step(stars.logg, 3.8, 0.1))
        warm_enough = (stars.teff > self.teff[0]) & (stars.teff < self.teff[1])
        covered = self.fields.covers(stars.ra_deg, stars.dec_deg, stars.galactic_latitude_deg)
        return np.asarray(np.where(warm_enough & covered, chance, 0.0), dtype=np.float64)


@dataclass(frozen=True)
class Links:
    """How many stars a small survey shares with APOGEE, with any other survey but not APOGEE, and with none."""

    direct: float
    linked: float
    alone: float

    def rates(self, shares: Links, stars: int) -> Links:
        """Return the chances that give these numbers where `shares` of a sky's stars are eligible for each."""
        pairs = ((self.direct, shares.direct), (self.linked, shares.linked), (self.alone, shares.alone))
        return Links(*(min(1.0, wanted / max(share * stars, 1.0)) for wanted, share in pairs))

    def chance(self, in_apogee: Booleans, in_any: Booleans) -> Floats:
        """Return each star's chance (n,), where these numbers are rates."""
        return np.where(in_apogee, self.direct, np.where(in_any, self.linked, self.alone)).astype(np.float64)


@dataclass(frozen=True)
class Signal:
    """S/N at a magnitude, how fast it falls with magnitude (1 is photon noise), and its range."""

    band: str
    at_magnitude: float
    snr: float
    steepness: float
    limits: tuple[float, float]

    def draw(self, rng: np.random.Generator, stars: Stars) -> Floats:
        """Return S/N (n,), scattered by 25 % for weather."""
        faintness = getattr(stars, self.band) - self.at_magnitude
        snr = self.snr * 10.0 ** (-0.2 * self.steepness * faintness) * np.exp(0.25 * rng.standard_normal(len(stars)))
        clipped: Floats = np.clip(snr, *self.limits)
        return clipped
