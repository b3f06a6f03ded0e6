"""Pairs within a radius, held to all pairs computed one by one."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.crossmatch.pairs import Pairs, pairs_among, pairs_within
from app.science.sphere import moved, separation_arcsec


def _crowded_sky(n: int, seed: int, spread_arcsec: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions in tight groups: anywhere, at both poles, and on both sides of RA 0."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    centre = rng.integers(0, 12, n)
    ra[centre == 0], dec[centre == 0] = 0.0, 90.0
    ra[centre == 1], dec[centre == 1] = 0.0, -90.0
    ra[centre == 2], dec[centre == 2] = 0.0, 10.0
    ra[centre == 3], dec[centre == 3] = 359.99999, -60.0
    ra[centre == 4], dec[centre == 4] = 120.0, 89.99
    ra, dec = moved(ra, dec, *rng.normal(0, spread_arcsec * 1000, (2, n)), 1.0)
    return ra, np.clip(dec, -90, 90)


def _all_separations(ra: np.ndarray, dec: np.ndarray, ra_2: np.ndarray, dec_2: np.ndarray) -> np.ndarray:
    return np.asarray(separation_arcsec(ra[:, None], dec[:, None], ra_2, dec_2))


def _as_set(pairs: Pairs) -> set[tuple[int, int]]:
    found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(set(found)) == len(found), "a pair was reported twice"
    return set(found)


@pytest.mark.parametrize("radius", [0.5, 30.0, 900.0, 36_000.0, 350_000.0, 647_000.0])
def test_every_pair_between_two_sides_is_found_once(radius: float) -> None:
    left, right = _crowded_sky(700, 1, min(radius, 3000.0)), _crowded_sky(900, 2, min(radius, 3000.0))
    pairs = pairs_within(*left, *right, radius)
    separations = _all_separations(*left, *right)
    expected = set(zip(*map(np.ndarray.tolist, np.nonzero(separations <= radius)), strict=True))
    assert len(expected) > 500
    assert _as_set(pairs) == expected
    np.testing.assert_allclose(pairs.separation_arcsec, separations[pairs.left, pairs.right], atol=1e-6)


def test_each_left_row_can_have_a_radius_of_its_own() -> None:
    left, right = _crowded_sky(500, 3, 50.0), _crowded_sky(500, 4, 50.0)
    radii = np.geomspace(0.1, 5000, 500)
    expected = np.nonzero(_all_separations(*left, *right) <= radii[:, None])
    assert _as_set(pairs_within(*left, *right, radii)) == set(zip(*map(np.ndarray.tolist, expected), strict=True))


@pytest.mark.parametrize("radii", [60.0, np.geomspace(1.0, 3000.0, 800)])
def test_every_pair_among_one_side_is_found_once(radii: float | np.ndarray) -> None:
    ra, dec = _crowded_sky(800, 5, 60.0)
    larger = np.maximum.outer(np.full(800, radii), np.full(800, radii))
    expected = np.nonzero(np.triu(_all_separations(ra, dec, ra, dec) <= larger, 1))
    found = {tuple(sorted(pair)) for pair in _as_set(pairs_among(ra, dec, radii))}
    assert found == set(zip(*map(np.ndarray.tolist, expected), strict=True))
    assert len(pairs_among(ra, dec, radii).left) == len(found)


def test_equal_positions_are_pairs_even_at_radius_zero() -> None:
    ra, dec = np.array([10.0, 10.0, 0.0, 90.0]), np.array([20.0, 20.0, 90.0, 90.0])
    found = _as_set(pairs_among(ra, dec, 0.0))
    assert (0, 1) in found


def test_nothing_has_no_pairs() -> None:
    nothing, one = np.zeros(0), np.zeros(1)
    assert len(pairs_within(nothing, nothing, one, one, 1.0).left) == 0
    assert len(pairs_within(one, one, nothing, nothing, 1.0).left) == 0
    assert len(pairs_among(nothing, nothing, 1.0).left) == 0
