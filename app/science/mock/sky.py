"""The stars of the simulated sky, drawn in fixed blocks from seeds of their own.

Star k depends on the sky's seed and on k alone: neither on how many stars the sky has nor on how many are drawn at a
time. Stars 0 to 19,999 are cluster members, of which a sky uses the first 2 %; field stars count on from 20,000.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from app.science.arrays import Booleans, Floats, Integers
from app.science.mock import clusters, identifiers, photometry, populations, positions, sequences

BLOCK = 16_384
"""Field stars that share one seed."""

BINARY_SHARE = 0.02
CLUSTER_POPULATION = len(populations.POPULATIONS)
MOST_STARS = identifiers.SLOTS
PILOT_BLOCK = 1 << 30
"""A block that no sky contains: the same population, to plan with."""


@dataclass(frozen=True)
class Stars:
    """True properties of stars, each (n,); positions are ICRS at epoch 2000.0, magnitudes include extinction."""

    number: Integers
    population: Integers
    cluster: Integers
    age_gyr: Floats
    mass: Floats
    teff: Floats
    logg: Floats
    feh: Floats
    binary: Booleans
    ra_deg: Floats
    dec_deg: Floats
    galactic_latitude_deg: Floats
    distance_kpc: Floats
    pm_ra_cosdec_masyr: Floats
    pm_dec_masyr: Floats
    radial_velocity_kms: Floats
    extinction_v: Floats
    g: Floats
    bp: Floats
    rp: Floats
    j: Floats
    h: Floats
    k: Floats
    gaia_dr3: Integers
    gaia_dr2: Integers

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: slice | npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Stars:
        """Return the stars that `rows` selects."""
        return Stars(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_members(seed: int) -> Stars:
    """Return all `clusters.MEMBERS` cluster stars of a sky."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    number = np.arange(clusters.MEMBERS)
    cluster = clusters.draw_cluster(rng, len(number))
    population = np.full(len(number), CLUSTER_POPULATION)
    feh = clusters.of(cluster, "feh") + 0.01 * rng.standard_normal(len(number))
    age = clusters.of(cluster, "age_gyr")
    atmospheres = _atmospheres(rng, clusters.draw_stage(rng, cluster), age, feh)
    distance = clusters.of(cluster, "distance_kpc")
    east, north = clusters.draw_offsets(rng, cluster)
    dec = clusters.of(cluster, "dec_deg") + north
    ra = (clusters.of(cluster, "ra_deg") + east / np.cos(np.radians(dec))) % 360.0
    ra, dec = identifiers.settle(ra, dec, rng.random((len(number), 2)))
    jitter = rng.standard_normal((len(number), 3)) * (0.3 + 4.0 * (age > 11.0)[:, None])
    angular = jitter[:, :2] / (positions.KMS_PER_MASYR_KPC * distance[:, None])
    motions = positions.Motions(
        clusters.of(cluster, "pm_ra_cosdec_masyr") + angular[:, 0],
        clusters.of(cluster, "pm_dec_masyr") + angular[:, 1],
        clusters.of(cluster, "radial_velocity_kms") + jitter[:, 2],
    )
    return _assemble(rng, number, population, cluster, age, feh, atmospheres, distance, ra, dec, motions)


def draw_block(seed: int, block: int) -> Stars:
    """Return the `BLOCK` field stars of one block; star numbers count on from block to block."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, block)))
    number = clusters.MEMBERS + block * BLOCK + np.arange(BLOCK)
    population = populations.draw_population(rng, BLOCK)
    age = populations.draw_age(rng, population)
    feh = populations.draw_feh(rng, population)
    atmospheres = _atmospheres(rng, populations.draw_stage(rng, population), age, feh)
    absolute_g = photometry.absolute_magnitudes(atmospheres.mass, atmospheres.teff, atmospheres.logg, feh)["g"]
    distance = 10.0 ** (0.2 * populations.draw_modulus(rng, population, absolute_g) - 2.0)
    heights, lengths = (populations.of(population, name) for name in ("scale_height_kpc", "scale_length_kpc"))
    ra, dec = positions.equatorial(*positions.draw_directions(rng, distance, heights, lengths))
    ra, dec = identifiers.spread(number, ra, dec, rng.random((BLOCK, 2)))
    motions = positions.motions(ra, dec, distance, populations.draw_velocity(rng, population))
    cluster = np.full(BLOCK, -1)
    return _assemble(rng, number, population, cluster, age, feh, atmospheres, distance, ra, dec, motions)


def _atmospheres(rng: np.random.Generator, stage: Integers, age_gyr: Floats, feh: Floats) -> sequences.Atmospheres:
    n = len(stage)
    return sequences.place(stage, age_gyr, feh, rng.random(n), rng.standard_normal(n))


def _assemble(
    rng: np.random.Generator,
    number: Integers,
    population: Integers,
    cluster: Integers,
    age_gyr: Floats,
    feh: Floats,
    atmospheres: sequences.Atmospheres,
    distance_kpc: Floats,
    ra_deg: Floats,
    dec_deg: Floats,
    motions: positions.Motions,
) -> Stars:
    """Add dust, apparent magnitudes, binaries and names."""
    _, latitude = positions.galactic(ra_deg, dec_deg)
    dust = photometry.visual_extinction(np.sin(np.radians(latitude)), distance_kpc, rng.standard_normal(len(number)))
    absolute = photometry.absolute_magnitudes(atmospheres.mass, atmospheres.teff, atmospheres.logg, feh)
    modulus = 5.0 * np.log10(distance_kpc) + 10.0
    return Stars(
        number=number, population=population, cluster=cluster, age_gyr=age_gyr,
        mass=atmospheres.mass, teff=atmospheres.teff, logg=atmospheres.logg, feh=feh,
        binary=rng.random(len(number)) < BINARY_SHARE,
        ra_deg=ra_deg, dec_deg=dec_deg, galactic_latitude_deg=latitude, distance_kpc=distance_kpc,
        pm_ra_cosdec_masyr=motions.pm_ra_cosdec_masyr, pm_dec_masyr=motions.pm_dec_masyr,
        radial_velocity_kms=motions.radial_velocity_kms, extinction_v=dust,
        gaia_dr3=identifiers.gaia_dr3(number, ra_deg, dec_deg),
        gaia_dr2=identifiers.gaia_dr2(number, ra_deg, dec_deg),
        **{band: absolute[band] + modulus + photometry.EXTINCTION[band] * dust for band in photometry.BANDS},
    )  # fmt: skip
