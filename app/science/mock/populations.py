"""The populations of the Galaxy: ages, [Fe/H], evolutionary stages, brightness, shape in space and motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.mock.sequences import Stage

FAINTEST_G = 17.4


@dataclass(frozen=True)
class Population:
    """One population; lengths in kpc, speeds in km/s relative to the local standard of rest (U, V, W)."""

    name: str
    share: float
    age_gyr: tuple[float, float]
    feh: tuple[float, float]
    feh_range: tuple[float, float]
    stages: tuple[float, float, float, float]
    brightest_g: float
    slope: float
    farthest_kpc: float
    scale_height_kpc: float
    scale_length_kpc: float
    mean_speed: tuple[float, float, float]
    dispersion: tuple[float, float, float]


POPULATIONS = (
    Population("thin disc", 0.66, (1.5, 10.5), (-0.06, 0.21), (-0.9, 0.5), (0.46, 0.15, 0.21, 0.18), 8.2, 0.01, 10.0,
               0.50, 4.0, (0.0, -12.0, 0.0), (34.0, 22.0, 17.0)),
    Population("thick disc", 0.23, (8.0, 12.5), (-0.55, 0.26), (-1.6, 0.3), (0.36, 0.18, 0.31, 0.15), 9.2, 0.02, 12.0,
               1.10, 3.5, (0.0, -48.0, 0.0), (64.0, 45.0, 38.0)),
    Population("halo", 0.11, (11.0, 13.2), (-1.45, 0.48), (-3.2, -0.6), (0.24, 0.22, 0.43, 0.11), 10.0, 0.08, 40.0,
               6.0, 15.0, (0.0, -215.0, 0.0), (150.0, 105.0, 92.0)),
)  # fmt: skip
"""Shares are of the stars that surveys look at, not of the Galaxy: a magnitude limit favours giants and the halo."""


def draw_population(rng: np.random.Generator, n: int) -> Integers:
    """Return the number (n,) of each star's population in `POPULATIONS`."""
    edges = np.cumsum([population.share for population in POPULATIONS])
    population: Integers = np.searchsorted(edges, rng.random(n) * edges[-1])
    return population


def of(population: Integers, attribute: str, axis: int | None = None) -> Floats:
    """Return a property of each star's population (n,); `axis` picks from a pair or triple."""
    values = [getattr(p, attribute) if axis is None else getattr(p, attribute)[axis] for p in POPULATIONS]
    return np.asarray(values, dtype=np.float64)[population]


def draw_age(rng: np.random.Generator, population: Integers) -> Floats:
    """Return ages (n,) in Gyr, even between the population's youngest and oldest."""
    youngest, oldest = (of(population, "age_gyr", axis) for axis in (0, 1))
    return youngest + (oldest - youngest) * rng.random(len(population))


def draw_feh(rng: np.random.Generator, population: Integers) -> Floats:
    """Return [Fe/H] (n,): normal, folded back at the ends of the population's range."""
    feh = of(population, "feh", 0) + of(population, "feh", 1) * rng.standard_normal(len(population))
    low, high = (of(population, "feh_range", axis) for axis in (0, 1))
    feh = np.where(feh > high, 2.0 * high - feh, np.where(feh < low, 2.0 * low - feh, feh))
    return np.clip(feh, low, high)


def draw_stage(rng: np.random.Generator, population: Integers) -> Integers:
    """Return the `Stage` (n,) of each star by its population's shares."""
    edges = np.stack([of(population, "stages", int(stage)) for stage in Stage], axis=1).cumsum(axis=1)
    stage: Integers = (rng.random(len(population))[:, None] * edges[:, -1:] > edges).sum(axis=1)
    return stage


def draw_modulus(rng: np.random.Generator, population: Integers, absolute_g: Floats) -> Floats:
    """Return distance moduli (n,): counts rise as 10^(slope G) between the brightest G and the faintest or farthest."""
    brightest, slope = of(population, "brightest_g"), of(population, "slope")
    edge = 5.0 * np.log10(of(population, "farthest_kpc")) + 10.0
    faintest = np.maximum(np.minimum(FAINTEST_G, absolute_g + edge), brightest + 0.1)
    low, high = 10.0 ** (slope * brightest), 10.0 ** (slope * faintest)
    apparent = np.log10(low + (high - low) * rng.random(len(population))) / slope
    return apparent - absolute_g


def draw_velocity(rng: np.random.Generator, population: Integers) -> Floats:
    """Return (n, 3) speeds U, V, W in km/s relative to the local standard of rest."""
    noise = rng.standard_normal((len(population), 3))
    mean, width = (
        np.stack([of(population, name, axis) for axis in range(3)], axis=1) for name in ("mean_speed", "dispersion")
    )
    return mean + width * noise
