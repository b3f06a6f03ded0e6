"""Identifiers are unique and say where a star is."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from app.science.mock import identifiers


@pytest.mark.parametrize(
    ("source_id", "ra", "dec"),
    [
        (604917732434325248, 132.84630271, 11.82363064),
        (576402619921510144, 37.95, 89.264),
        (5853498713190525696, 217.3923, -62.6761),
    ],
)
def test_real_source_ids_code_the_pixel_that_we_compute(source_id, ra, dec):
    assert identifiers.healpix_nested(12, np.array([ra]), np.array([dec]))[0] == source_id >> 35


@pytest.mark.real
def test_ten_thousand_real_source_ids_code_the_pixel_that_we_compute(real_data):
    with (real_data / "lamost_lrs_clusters.csv").open() as file:
        rows = list(csv.DictReader(file))
    ra, dec = (np.array([float(row[name]) for row in rows]) for name in ("ra2000", "dec2000"))
    pixel = np.array([int(row["dr3_source_id"]) for row in rows]) >> 35
    assert np.mean(identifiers.healpix_nested(12, ra, dec) == pixel) > 0.995


def test_pixels_have_equal_areas_and_nest():
    rng = np.random.default_rng(1)
    ra, dec = 360 * rng.random(400_000), np.degrees(np.arcsin(2 * rng.random(400_000) - 1))
    counts = np.bincount(identifiers.healpix_nested(3, ra, dec), minlength=768)
    assert len(counts) == 768
    assert np.sum((counts - 400_000 / 768) ** 2 / (400_000 / 768)) == pytest.approx(767, abs=5 * np.sqrt(2 * 767))
    fine = identifiers.healpix_nested(12, ra, dec)
    assert np.array_equal(fine >> 18, identifiers.healpix_nested(3, ra, dec))


def test_no_position_of_a_field_star_shares_a_designation():
    """Even where all stars are drawn at one place."""
    number = np.concatenate([np.arange(50_000), np.arange(99_950_000, 100_000_000)])
    ra, dec = identifiers.spread(
        number, np.full(100_000, 0.001), np.full(100_000, -0.001), np.random.default_rng(1).random((100_000, 2))
    )
    assert len(np.unique(identifiers.designation(ra, dec))) == 100_000
    turned = (ra + 180) % 360 - 180
    assert np.abs(turned - 0.001).max() < 0.6
    assert np.abs(dec + 0.001).max() < 0.6


def test_cluster_stars_settle_in_cells_of_their_own():
    rng = np.random.default_rng(2)
    ra, dec = 132.8 + 1e-4 * rng.random(3000), 11.8 + 1e-4 * rng.random(3000)
    ra, dec = identifiers.settle(ra, dec, rng.random((3000, 2)))
    names = identifiers.designation(ra, dec)
    assert len(np.unique(names)) == 3000
    assert all(int(name[7:8]) % 2 == 1 for name in names)


@pytest.mark.parametrize(
    ("ra", "dec", "name"),
    [(0.0, 0.0, b"00000000+0000000"), (359.9999, -0.5, b"23595997-0030000"), (0.5, 89.99999, b"00020000+8959599")],
)
def test_designations_are_cut_off_not_rounded(ra, dec, name):
    assert identifiers.designation(np.array([ra]), np.array([dec]))[0] == name


def test_source_ids_are_unique_and_differ_between_the_releases():
    number = np.arange(0, 100_000_000, 331)
    ra, dec = np.zeros(len(number)), np.full(len(number), 10.0)
    dr3, dr2 = identifiers.gaia_dr3(number, ra, dec), identifiers.gaia_dr2(number, ra, dec)
    assert len(np.unique(dr3)) == len(np.unique(dr2)) == len(number)
    assert not np.any(dr3 == dr2)
    assert np.array_equal(dr3 >> 35, dr2 >> 35)
