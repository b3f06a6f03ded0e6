"""Where stars stand on the sky and how they move: directions through an exponential disc, frames, proper motions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats

GALACTIC_FROM_ICRS = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [+0.4941094278755837, -0.4448296299600112, +0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, +0.4559837761750669],
    ]
)
"""Rows are the Galactic axes in ICRS (the Hipparcos Catalogue, ESA SP-1200, section 1.5.3)."""

SUN_SPEED = np.array([11.1, 12.24, 7.25])
"""The Sun's U, V, W in km/s (Schoenrich, Binney & Dehnen 2010)."""

KMS_PER_MASYR_KPC = 4.740470464


@dataclass(frozen=True)
class Motions:
    """Proper motions in mas/yr and radial velocity in km/s, each (n,)."""

    pm_ra_cosdec_masyr: Floats
    pm_dec_masyr: Floats
    radial_velocity_kms: Floats


def draw_directions(
    rng: np.random.Generator, distance_kpc: Floats, scale_height_kpc: Floats, scale_length_kpc: Floats
) -> tuple[Floats, Floats]:
    """Return Galactic longitude and latitude (n,) in degrees of stars at known distances in an exponential disc.

    At distance d the density over the sky goes as exp(-d |sin b| / h) exp(d cos b cos l / R): sin b is drawn by
    inverting the first factor, l from the von Mises distribution that the second one is.
    """
    n = len(distance_kpc)
    ratio = np.clip(distance_kpc / scale_height_kpc, 1e-6, None)
    height = -np.log1p(rng.random(n) * np.expm1(-ratio)) / ratio
    sin_b = np.clip(np.where(rng.random(n) < 0.5, -height, height), -1.0, 1.0)
    latitude = np.arcsin(sin_b)
    concentration = np.clip(distance_kpc * np.cos(latitude) / scale_length_kpc, 0.0, 2.0)
    return np.degrees(rng.vonmises(0.0, concentration)) % 360.0, np.degrees(latitude)


def unit_vectors(longitude_deg: Floats, latitude_deg: Floats) -> Floats:
    """Return (n, 3) unit vectors of spherical coordinates in degrees."""
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def angles(vectors: Floats) -> tuple[Floats, Floats]:
    """Return longitude in [0, 360) and latitude in degrees of (n, 3) vectors."""
    longitude = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360.0
    latitude = np.degrees(np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1])))
    return np.where(longitude >= 360.0, 0.0, longitude), latitude


def equatorial(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    """Return ICRS right ascension and declination in degrees of Galactic coordinates in degrees."""
    return angles(unit_vectors(longitude_deg, latitude_deg) @ GALACTIC_FROM_ICRS)


def galactic(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """Return Galactic longitude and latitude in degrees of ICRS coordinates in degrees.

    >>> [round(float(x[0]), 2) for x in galactic(np.array([266.405]), np.array([-28.936]))]
    [0.0, 0.0]
    """
    return angles(unit_vectors(ra_deg, dec_deg) @ GALACTIC_FROM_ICRS.T)


def motions(ra_deg: Floats, dec_deg: Floats, distance_kpc: Floats, speed: Floats) -> Motions:
    """Return what an observer at the Sun sees of (n, 3) speeds U, V, W relative to the local standard of rest."""
    velocity = (speed - SUN_SPEED) @ GALACTIC_FROM_ICRS
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    east = velocity[:, 1] * np.cos(ra) - velocity[:, 0] * np.sin(ra)
    outward = velocity[:, 0] * np.cos(ra) + velocity[:, 1] * np.sin(ra)
    north = velocity[:, 2] * np.cos(dec) - outward * np.sin(dec)
    away = velocity[:, 2] * np.sin(dec) + outward * np.cos(dec)
    return Motions(east / (KMS_PER_MASYR_KPC * distance_kpc), north / (KMS_PER_MASYR_KPC * distance_kpc), away)


def moved(
    ra_deg: Floats, dec_deg: Floats, pm_ra_cosdec_masyr: Floats, pm_dec_masyr: Floats, years: float
) -> tuple[Floats, Floats]:
    """Return positions in degrees after a number of years of proper motion, also across a pole or RA 0."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    turn = np.radians(years / 3.6e6)
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=1)
    north = np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1)
    shift = pm_ra_cosdec_masyr[:, None] * east + pm_dec_masyr[:, None] * north
    return angles(unit_vectors(ra_deg, dec_deg) + turn * shift)
