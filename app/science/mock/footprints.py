"""Which part of the sky a survey has looked at: round fields on a grid, some of them observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.mock.positions import unit_vectors


@dataclass(frozen=True)
class Fields:
    """Fields of one size: centres on declination bands, radius a little over half a spacing, each observed or not."""

    spacing_deg: float
    observed: float
    salt: int
    declination: tuple[float, float] = (-90.0, 90.0)
    latitude: tuple[float, float] = (0.0, 90.0)

    def covers(self, ra_deg: Floats, dec_deg: Floats, latitude_deg: Floats) -> Booleans:
        """Return for each position (n,) whether an observed field covers it."""
        field, centre_ra, centre_dec = self._nearest(ra_deg, dec_deg)
        cosine = np.sum(unit_vectors(ra_deg, dec_deg) * unit_vectors(centre_ra, centre_dec), axis=1)
        inside = cosine > np.cos(np.radians(0.56 * self.spacing_deg))
        return np.asarray(
            inside
            & (chance(field, self.salt) < self.observed)
            & (dec_deg >= self.declination[0])
            & (dec_deg <= self.declination[1])
            & (np.abs(latitude_deg) >= self.latitude[0])
            & (np.abs(latitude_deg) <= self.latitude[1])
        )

    def _nearest(self, ra_deg: Floats, dec_deg: Floats) -> tuple[Integers, Floats, Floats]:
        band = np.floor((dec_deg + 90.0) / self.spacing_deg).astype(np.int64)
        centre_dec = np.clip((band + 0.5) * self.spacing_deg - 90.0, -90.0, 90.0)
        around = np.maximum(np.rint(360.0 * np.cos(np.radians(centre_dec)) / self.spacing_deg), 1.0)
        place = np.floor(ra_deg / 360.0 * around)
        return band * 100_000 + place.astype(np.int64), (place + 0.5) * 360.0 / around, centre_dec


def chance(number: Integers, salt: int) -> Floats:
    """Return a fixed number in [0, 1) for each integer (n,): the splitmix64 hash (Steele, Lea & Flood 2014)."""
    x = number.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    x ^= x >> np.uint64(31)
    return np.asarray((x >> np.uint64(11)).astype(np.float64) * 2.0**-53, dtype=np.float64)
