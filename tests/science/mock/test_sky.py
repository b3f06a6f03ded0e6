"""The sky has what the Galaxy has, and each star is the same in whatever company it is drawn."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from app.science.mock import clusters, identifiers, populations, sky
from app.science.robust import scatter


def test_a_block_depends_on_its_seed_and_number_alone():
    again, other, next_block = sky.draw_block(7, 3), sky.draw_block(8, 3), sky.draw_block(7, 4)
    first = sky.draw_block(7, 3)
    for field in fields(sky.Stars):
        assert np.array_equal(getattr(first, field.name), getattr(again, field.name)), field.name
    assert not np.any(first.teff == other.teff)
    assert not np.any(first.teff == next_block.teff)
    assert next_block.number[0] == first.number[-1] + 1


def test_names_are_unique_over_field_and_clusters(mock_sky):
    members = sky.draw_members(7)
    ra, dec = (np.concatenate([getattr(s, n) for s in (mock_sky.stars, members)]) for n in ("ra_deg", "dec_deg"))
    for name in ("number", "gaia_dr3", "gaia_dr2"):
        both = np.concatenate([getattr(s, name) for s in (mock_sky.stars, members)])
        assert len(np.unique(both)) == len(both), name
    assert len(np.unique(identifiers.designation(ra, dec))) == len(ra)


def test_source_ids_do_not_fit_a_float(mock_sky):
    assert np.mean(mock_sky.stars.gaia_dr3 > 2**53) > 0.99
    assert np.all(mock_sky.stars.gaia_dr3 > 0)


def test_values_are_finite_and_in_range(mock_sky):
    for field in fields(sky.Stars):
        assert np.all(np.isfinite(getattr(mock_sky.stars, field.name))), field.name
    stars = mock_sky.stars
    assert np.all((stars.ra_deg >= 0) & (stars.ra_deg < 360) & (np.abs(stars.dec_deg) <= 90))
    assert np.all((stars.teff > 3300) & (stars.teff < 9000) & (stars.logg > 0.3) & (stars.logg < 5.3))
    assert np.all((stars.feh > -3.3) & (stars.feh < 0.6))


@pytest.mark.parametrize("number", range(3))
def test_populations_have_their_metallicity_and_motions(mock_sky, number):
    stars = mock_sky.stars.take(mock_sky.stars.population == number)
    population = populations.POPULATIONS[number]
    assert np.median(stars.feh) == pytest.approx(population.feh[0], abs=0.03)
    assert scatter(stars.feh) == pytest.approx(population.feh[1], rel=0.06)
    assert np.mean(mock_sky.stars.population == number) == pytest.approx(population.share, abs=0.005)
    polar = np.abs(stars.galactic_latitude_deg) > 75
    away = stars.radial_velocity_kms[polar] * np.sign(stars.galactic_latitude_deg[polar])
    assert np.std(away) == pytest.approx(population.dispersion[2], rel=0.12)


def test_the_disc_is_flat_and_the_halo_is_not(mock_sky):
    stars = mock_sky.stars
    height = [np.median(np.abs(stars.galactic_latitude_deg[stars.population == k])) for k in range(3)]
    assert height[0] < height[1] < height[2]
    assert height[2] > 20


def test_stars_two_magnitudes_apart_at_one_distance_are_two_magnitudes_apart(mock_sky):
    """Magnitudes, distance and luminosity hang together: an unreddened sun at 100 pc has G = 9.7."""
    stars = mock_sky.stars
    suns = (np.abs(stars.teff - 5772) < 60) & (np.abs(stars.logg - 4.44) < 0.03) & (np.abs(stars.feh) < 0.1)
    absolute = stars.g - 0.84 * stars.extinction_v - 5 * np.log10(stars.distance_kpc) - 10
    assert np.median(absolute[suns]) == pytest.approx(4.67, abs=0.1)
    assert np.median((stars.bp - stars.rp - 0.42 * stars.extinction_v)[suns]) == pytest.approx(0.80, abs=0.05)
    clump = (np.abs(stars.logg - 2.45) < 0.1) & (stars.teff > 4650) & (stars.teff < 5000) & (stars.feh > -0.4)
    absolute_k = stars.k - 0.114 * stars.extinction_v - 5 * np.log10(stars.distance_kpc) - 10
    assert np.median(absolute_k[clump]) == pytest.approx(-1.6, abs=0.2)


def test_two_stars_in_a_hundred_are_binaries(mock_sky):
    n = len(mock_sky.stars)
    assert np.mean(mock_sky.stars.binary) == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / n))


def test_members_share_place_metallicity_and_motion():
    members = sky.draw_members(7)
    for number, cluster in enumerate(clusters.CLUSTERS):
        stars = members.take(members.cluster == number)
        assert len(stars) == pytest.approx(cluster.share * clusters.MEMBERS, rel=0.15)
        assert np.median(stars.feh) == pytest.approx(cluster.feh, abs=0.003)
        assert np.std(stars.feh) == pytest.approx(0.01, rel=0.15)
        assert np.abs(stars.dec_deg - cluster.dec_deg).max() < 5.1 * cluster.radius_arcmin / 60
        assert np.median(stars.pm_dec_masyr) == pytest.approx(cluster.pm_dec_masyr, abs=0.3)
        assert np.all(stars.distance_kpc == cluster.distance_kpc)
    assert sum(cluster.share for cluster in clusters.CLUSTERS) == pytest.approx(1.0)


@pytest.mark.parametrize(("stars", "members"), [(10, 0), (10_000, 200), (200_000, 4_000), (10**8, 20_000)])
def test_a_fiftieth_of_the_stars_belong_to_clusters_up_to_a_limit(stars, members):
    assert clusters.members_among(stars) == members
