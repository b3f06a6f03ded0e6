"""Polygons of which everything is known by other means: each sees all of its sides from its middle."""

from __future__ import annotations

from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIDDLES = ((0.0, 90.0), (123.0, -89.0), (0.0, 0.0), (359.5, 40.0), (0.3, -60.0), (200.0, 15.0))


@dataclass(frozen=True)
class StarShape:
    """A polygon (corners as in the sky's order around the middle) that is made of triangles to its middle."""

    middle: SkyCoord
    corners: SkyCoord

    @property
    def positions(self) -> Array:
        """Ra and dec of the corners (n, 2), degrees."""
        return np.column_stack([self.corners.ra.deg, self.corners.dec.deg])

    @property
    def numbers(self) -> str:
        """The corners as ADQL has them."""
        return ", ".join(f"{number!r}" for number in self.positions.ravel().tolist())

    @property
    def edges(self) -> SkyCoord:
        """Many places on its sides, by astropy."""
        following = self.corners[np.roll(np.arange(len(self.corners)), -1)]
        steps = np.linspace(0, 1, 1_500)[:, None]
        return self.corners.directional_offset_by(
            self.corners.position_angle(following), self.corners.separation(following) * steps
        ).ravel()

    def holds(self, places: SkyCoord) -> NDArray[np.bool_]:
        """Which places lie in one of the triangles: on the same side of its three sides as its own middle."""
        point, middle = vectors(places), vectors(self.middle)
        corner = vectors(self.corners)
        found = np.zeros(len(point), bool)
        for first, second in zip(corner, np.roll(corner, -1, axis=0), strict=True):
            own = first + second + middle
            sides = [np.cross(a, b) for a, b in ((first, second), (second, middle), (middle, first))]
            found |= np.all([(point @ side) * (own @ side) >= 0 for side in sides], axis=0)
        return found

    def area_sr(self) -> float:
        """The area by its angles (Girard), which astropy's position angles give."""
        count = len(self.corners)
        before, after = (self.corners[np.roll(np.arange(count), turn)] for turn in (1, -1))
        angles = self.corners.position_angle(after) - self.corners.position_angle(before)
        total = float((angles.to(u.rad).value % (2 * np.pi)).sum())
        return min(total - (count - 2) * np.pi, (2 * count - (count - 2)) * np.pi - total)


def vectors(places: SkyCoord) -> Array:
    return np.atleast_2d(places.cartesian.xyz.value.T) if places.shape else places.cartesian.xyz.value


def star_shape(rng: np.random.Generator, middle: tuple[float, float], size: float = 35.0) -> StarShape:
    """A polygon of 3 to 11 corners, 0.1 to 1 of a size (degrees) from its middle, turning either way."""
    count = int(rng.integers(3, 12))
    bearings = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 360 / count
    if rng.random() < 0.5:
        bearings = bearings[::-1]
    place = SkyCoord(*middle, unit="deg")
    radii = rng.uniform(0.1 if count > 4 else 0.6, 1, count) * size
    return StarShape(place, place.directional_offset_by(bearings * u.deg, radii * u.deg))
