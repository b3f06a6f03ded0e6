"""Frames and motions agree with astropy."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import CartesianDifferential, SkyCoord

from app.science.mock import positions


def random_sky(n, seed=1):
    rng = np.random.default_rng(seed)
    return 360 * rng.random(n), np.degrees(np.arcsin(2 * rng.random(n) - 1))


def test_galactic_coordinates_agree_with_astropy():
    ra, dec = random_sky(200)
    there = SkyCoord(ra, dec, unit="deg").galactic
    longitude, latitude = positions.galactic(ra, dec)
    ours = SkyCoord(longitude, latitude, unit="deg", frame="galactic")
    assert ours.separation(there).arcsec.max() < 0.1
    back_ra, back_dec = positions.equatorial(longitude, latitude)
    assert SkyCoord(back_ra, back_dec, unit="deg").separation(SkyCoord(ra, dec, unit="deg")).arcsec.max() < 1e-5


def test_motions_agree_with_astropy():
    ra, dec = random_sky(100)
    rng = np.random.default_rng(3)
    distance, speed = 0.1 + 5 * rng.random(100), 80 * rng.standard_normal((100, 3))
    seen = positions.motions(ra, dec, distance, speed)
    place = SkyCoord(ra * units.deg, dec * units.deg, distance * units.kpc).galactic.cartesian
    velocity = CartesianDifferential(*((speed - positions.SUN_SPEED).T * units.km / units.s))
    moving = SkyCoord(place.with_differentials(velocity), frame="galactic").icrs
    assert np.allclose(seen.pm_ra_cosdec_masyr, moving.pm_ra_cosdec.to_value("mas/yr"), rtol=1e-4, atol=1e-4)
    assert np.allclose(seen.pm_dec_masyr, moving.pm_dec.to_value("mas/yr"), rtol=1e-4, atol=1e-4)
    assert np.allclose(seen.radial_velocity_kms, moving.radial_velocity.to_value("km/s"), atol=0.01)


@pytest.mark.parametrize("dec", [0.0, 45.0, -89.9999, 89.99999])
def test_a_moved_star_is_where_its_motion_says(dec):
    ra, dec = np.array([0.00001]), np.array([dec])
    there = positions.moved(ra, dec, np.array([-3000.0]), np.array([4000.0]), 16.0)
    start, end = SkyCoord(ra, dec, unit="deg"), SkyCoord(*there, unit="deg")
    assert start.separation(end).arcsec[0] == pytest.approx(80.0, abs=0.001)
    assert 0 <= there[0][0] < 360


def test_directions_follow_an_exponential_disc():
    """At distance d the density along sin b goes as exp(-d |sin b| / h), and more stars lie towards the centre."""
    n = 100_000
    rng = np.random.default_rng(5)
    longitude, latitude = positions.draw_directions(rng, np.full(n, 1.0), np.full(n, 0.5), np.full(n, 4.0))
    height = np.abs(np.sin(np.radians(latitude)))
    expected = 0.5 - 1.0 * np.exp(-2.0) / (1 - np.exp(-2.0))
    assert height.mean() == pytest.approx(expected, abs=0.003)
    assert np.mean(np.cos(np.radians(longitude))) == pytest.approx(0.12, abs=0.02)
