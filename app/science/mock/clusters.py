"""Star clusters of the simulated sky: real names and places, members with one age and one [Fe/H]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.mock.sequences import Stage

MEMBERS = 20_000
"""Star numbers 0 to 19,999 belong to clusters, whether a sky uses all of them or not."""

_FIELD_OF_OLD = (0.45, 0.15, 0.20, 0.20)
_DISTANT_OLD = (0.08, 0.22, 0.42, 0.28)
_GLOBULAR = (0.0, 0.06, 0.74, 0.20)


@dataclass(frozen=True)
class Cluster:
    """A cluster; `share` is its part of all members, `stages` the shares of the evolutionary stages among them."""

    name: str
    globular: bool
    share: float
    ra_deg: float
    dec_deg: float
    radius_arcmin: float
    distance_kpc: float
    age_gyr: float
    feh: float
    pm_ra_cosdec_masyr: float
    pm_dec_masyr: float
    radial_velocity_kms: float
    stages: tuple[float, float, float, float]


CLUSTERS = (
    Cluster("NGC_2682", False, 0.16, 132.846, 11.814, 12.0, 0.86, 3.9, 0.00, -10.97, -2.92, 34.1, _FIELD_OF_OLD),
    Cluster("NGC_188", False, 0.06, 11.798, 85.244, 9.0, 1.70, 7.0, -0.02, -2.32, -1.02, -42.0, _FIELD_OF_OLD),
    Cluster("NGC_6791", False, 0.09, 290.221, 37.778, 5.0, 4.20, 8.3, 0.33, -0.42, -2.28, -47.0, _DISTANT_OLD),
    Cluster("NGC_6819", False, 0.09, 295.327, 40.190, 6.0, 2.60, 2.4, 0.05, -2.90, -3.87, 2.8, _DISTANT_OLD),
    Cluster("NGC_2420", False, 0.05, 114.602, 21.575, 5.0, 2.55, 1.8, -0.19, -1.22, -2.05, 74.0, _DISTANT_OLD),
    Cluster("NGC_7789", False, 0.08, 359.334, 56.726, 9.0, 2.10, 1.6, 0.01, -0.92, -1.93, -54.7, _DISTANT_OLD),
    Cluster("Ruprecht_147", False, 0.05, 289.087, -16.333, 35.0, 0.31, 2.7, 0.12, -0.94, -26.6, 41.4, _FIELD_OF_OLD),
    Cluster("NGC_2243", False, 0.04, 97.395, -31.282, 4.0, 3.70, 4.0, -0.45, -1.28, 5.49, 59.6, _DISTANT_OLD),
    Cluster("NGC_104", True, 0.10, 6.024, -72.081, 12.0, 4.50, 12.0, -0.75, 5.25, -2.58, -17.2, _GLOBULAR),
    Cluster("NGC_6121", True, 0.06, 245.897, -26.526, 9.0, 1.85, 12.0, -1.12, -12.5, -19.0, 71.0, _GLOBULAR),
    Cluster("NGC_6752", True, 0.06, 287.717, -59.985, 9.0, 4.10, 12.5, -1.55, -3.16, -4.03, -26.3, _GLOBULAR),
    Cluster("NGC_5272", True, 0.06, 205.548, 28.377, 8.0, 10.2, 12.0, -1.48, -0.15, -2.67, -147.2, _GLOBULAR),
    Cluster("NGC_6205", True, 0.05, 250.422, 36.460, 8.0, 7.40, 12.5, -1.53, -3.15, -2.57, -244.4, _GLOBULAR),
    Cluster("NGC_6341", True, 0.05, 259.281, 43.136, 6.0, 8.50, 13.0, -2.31, -4.94, -0.54, -120.7, _GLOBULAR),
)


def members_among(stars: int) -> int:
    """Return how many of a sky's stars are cluster members: 2 %, and at most `MEMBERS`."""
    return min(MEMBERS, stars // 50)


def draw_cluster(rng: np.random.Generator, n: int) -> Integers:
    """Return the number (n,) of each member's cluster in `CLUSTERS`."""
    edges = np.cumsum([cluster.share for cluster in CLUSTERS])
    cluster: Integers = np.searchsorted(edges, rng.random(n) * edges[-1])
    return cluster


def of(cluster: Integers, attribute: str) -> Floats:
    """Return a number of each member's cluster (n,)."""
    return np.asarray([getattr(c, attribute) for c in CLUSTERS], dtype=np.float64)[cluster]


def draw_stage(rng: np.random.Generator, cluster: Integers) -> Integers:
    """Return the `Stage` (n,) of each member by its cluster's shares."""
    edges = np.cumsum([c.stages for c in CLUSTERS], axis=1)[cluster]
    draw = rng.random(len(cluster))[:, None] * edges[:, -1:]
    stage: Integers = np.minimum((draw > edges).sum(axis=1), len(Stage) - 1)
    return stage


def draw_offsets(rng: np.random.Generator, cluster: Integers) -> tuple[Floats, Floats]:
    """Return offsets east and north (n,) in degrees: the surface density of a Plummer sphere, cut at five radii."""
    share = rng.random(len(cluster)) * 25.0 / 26.0
    radius = of(cluster, "radius_arcmin") / 60.0 * np.sqrt(share / (1.0 - share))
    angle = 2.0 * np.pi * rng.random(len(cluster))
    return radius * np.cos(angle), radius * np.sin(angle)
