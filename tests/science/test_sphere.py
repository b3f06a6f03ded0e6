"""Separations, proper motion and the order of the sky, held to astropy and to known pixels."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from app.science.sphere import healpix_nested, moved, separation_arcsec


def _sky(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:4], dec[:4] = [0.0, 359.9999999, 10.0, 200.0], [90.0, -90.0, 89.99999, -89.99999]
    return ra, dec


def test_separations_agree_with_astropy() -> None:
    ra, dec = _sky(2000, 1)
    near_ra, near_dec = moved(ra, dec, 1e5, -2e5, np.geomspace(1e-4, 100, 2000))
    for other_ra, other_dec in ((ra[::-1], dec[::-1]), (near_ra, near_dec)):
        truth = SkyCoord(ra * u.deg, dec * u.deg).separation(SkyCoord(other_ra * u.deg, other_dec * u.deg)).arcsec
        np.testing.assert_allclose(separation_arcsec(ra, dec, other_ra, other_dec), truth, rtol=1e-9, atol=1e-7)


def test_separations_reach_from_nothing_to_the_other_side() -> None:
    assert separation_arcsec(12.0, 34.0, 12.0, 34.0) == 0.0
    assert separation_arcsec(12.0, 34.0, 192.0, -34.0) == pytest.approx(180 * 3600)
    assert separation_arcsec(0.0, 90.0, 123.0, 90.0) == pytest.approx(0.0, abs=1e-9)


def test_proper_motion_agrees_with_astropy() -> None:
    ra, dec = _sky(300, 2)
    dec = np.clip(dec, -89.9, 89.9)
    rng = np.random.default_rng(3)
    pm_ra, pm_dec = rng.normal(0, 2000, (2, 300))
    start = SkyCoord(
        ra * u.deg, dec * u.deg, pm_ra_cosdec=pm_ra * u.mas / u.yr, pm_dec=pm_dec * u.mas / u.yr,
        distance=np.full(300, 10.0) * u.pc, radial_velocity=np.zeros(300) * u.km / u.s,
    )  # fmt: skip
    end = start.apply_space_motion(dt=-16 * u.yr)
    new_ra, new_dec = moved(ra, dec, pm_ra, pm_dec, -16.0)
    assert np.max(separation_arcsec(new_ra, new_dec, end.ra.deg, end.dec.deg)) < 1e-4
    assert np.max(separation_arcsec(ra, dec, new_ra, new_dec)) > 10


def test_a_star_moves_over_the_pole_and_across_ra_zero() -> None:
    ra, dec = moved(np.array([30.0, 359.9999]), np.array([89.9999, 0.0]), [0.0, 1000.0], [72000.0, 0.0], 10.0)
    assert (ra[0], dec[0]) == pytest.approx((210.0, 89.8001), abs=2e-6)
    assert 0 <= ra[1] < 360
    assert ra[1] == pytest.approx(-0.0001 + 10 / 3600, abs=1e-9)


def test_an_unknown_motion_is_none() -> None:
    ra, dec = moved(np.array([10.0, 10.0]), np.array([5.0, 5.0]), [np.nan, 0.0], [np.nan, 0.0], 16.0)
    assert (ra[0], dec[0]) == (ra[1], dec[1])


@pytest.mark.parametrize(
    ("ra", "dec", "face"),
    [(45, 60, 0), (315, 60, 3), (0, 0, 4), (90, 0, 5), (270, 10, 7), (45, -60, 8), (135, -60, 9), (0, 90, 0)],
)
def test_the_twelve_faces_are_where_healpix_has_them(ra: float, dec: float, face: int) -> None:
    assert healpix_nested(np.array([ra]), np.array([dec]), 0)[0] == face


def test_pixels_are_nested_and_of_equal_area() -> None:
    ra, dec = _sky(400_000, 4)
    finest = healpix_nested(ra, dec)
    assert finest.min() >= 0
    assert finest.max() < 12 << 58
    for order in (0, 3, 12, 20):
        np.testing.assert_array_equal(finest >> 2 * (29 - order), healpix_nested(ra, dec, order))
    counts = np.bincount(finest >> 2 * 27, minlength=192)
    assert np.sum((counts - counts.mean()) ** 2 / counts.mean()) < 192 + 5 * np.sqrt(2 * 192)


def test_neighbours_in_the_order_are_neighbours_on_the_sky() -> None:
    ra, dec = _sky(100_000, 5)
    order = np.argsort(healpix_nested(ra, dec))
    steps = separation_arcsec(ra[order][1:], dec[order][1:], ra[order][:-1], dec[order][:-1])
    assert np.median(steps) < 2 * 3600 * np.sqrt(41253 / 100_000)


def test_gaia_source_ids_code_the_pixel_of_order_12() -> None:
    ra, dec = np.array([132.84630271, 44.99616]), np.array([11.82363064, 0.00562])
    assert (healpix_nested(ra, dec, 12) == np.array([604917732434325248, 4295806720]) >> 35).tolist() == [True, True]
