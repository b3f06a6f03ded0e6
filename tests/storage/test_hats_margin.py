"""Margins of tiles: nobody within reach of a tile is missing, and nobody from far away or from inside is there."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from app.storage.hats_margin import MARGIN_ARCSEC, MARGIN_ORDER, Margin
from app.storage.hats_tiles import INDEX_ORDER, Counts, Tile, index_pixels

N_STARS = 60_000
FARTHEST_ARCSEC = 120  # a pixel of 51" on average is nowhere longer


def stars(rng: np.random.Generator) -> SkyCoord:
    """Stars crowded around corners of large tiles, the poles and RA 0, and everywhere."""
    ra = [rng.uniform(0, 360, N_STARS // 4), rng.uniform(0, 360, N_STARS // 4)]
    dec = [np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS // 4))), 90 - 0.02 * rng.random(N_STARS // 4)]
    for centre in ((0.0, 0.0), (45.0, 41.8103)):  # where tiles of order 0 meet
        ra.append((centre[0] + rng.normal(0, 0.01, N_STARS // 4)) % 360)
        dec.append(centre[1] + rng.normal(0, 0.01, N_STARS // 4))
    return SkyCoord(np.concatenate(ra) * u.deg, np.concatenate(dec) * u.deg)


def tile_of(tiles: list[Tile], where: SkyCoord) -> np.ndarray:
    """Return the number of the tile of each position, -1 where no tile is."""
    pixels = index_pixels(where.ra.deg, where.dec.deg)
    firsts = np.array([tile.first for tile in tiles])
    ends = np.array([(tile.pixel + 1) << 2 * (INDEX_ORDER - tile.order) for tile in tiles])
    number = np.searchsorted(firsts, pixels, side="right") - 1
    return np.where((number >= 0) & (pixels < ends[number]), number, -1)


@pytest.mark.parametrize("most", [60_000, 5_000, 100])
def test_all_stars_within_reach_of_a_tile_and_only_those_near_it_are_in_its_margin(most: int):
    where = stars(np.random.default_rng(3))
    pixels = index_pixels(where.ra.deg, where.dec.deg)
    tiles = Counts().add(pixels).tiles(most)
    star, tile = Margin(tiles).of(pixels)
    assert np.all(np.diff(tile) >= 0)
    own = tile_of(tiles, where)
    assert not np.any(own[star] == tile), "a star in its tile is not in the tile's margin"
    found = set(zip(star.tolist(), tile.tolist(), strict=True))
    assert len(found) == len(star) > 100

    seen = set()
    for angle in np.arange(0, 360, 15):
        moved = where.directional_offset_by(angle * u.deg, MARGIN_ARCSEC * u.arcsec)
        there = tile_of(tiles, moved)
        other = np.flatnonzero((there >= 0) & (there != own))
        seen |= set(zip(other.tolist(), there[other].tolist(), strict=True))
    assert len(seen) > 100
    assert seen <= found

    near = np.zeros(len(star), bool)
    for distance in range(5, FARTHEST_ARCSEC + 1, 5):
        for angle in np.arange(0, 360, 15):
            moved = where[star].directional_offset_by(angle * u.deg, distance * u.arcsec)
            near |= tile_of(tiles, moved) == tile
    assert near.all()


def test_tiles_are_larger_than_the_pixels_that_line_them():
    assert max(tile.order for tile in Counts().add(np.zeros(10, np.int64)).tiles(1)) < MARGIN_ORDER


def test_no_tiles_have_no_margin():
    star, tile = Margin([]).of(np.array([0, 5], np.int64))
    assert (len(star), len(tile)) == (0, 0)
