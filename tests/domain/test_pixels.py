"""Sets of HEALPix pixels: the forms of a MOC, what is refused by name, and cones that cover a set."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from mocpy import MOC

from app.domain.errors import ParameterError
from app.domain.pixels import FACES, MOST_RANGES, PixelSet

WHOLE = PixelSet(((0, FACES << 58),))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("5/1-3 6/44", "s5/1 2 3,6/44"),
        ("5/1-3", "5/1-3 9/"),
        ("5/1-3", '{"5": [1, 2, 3], "9": []}'),
        ("5/1", "6/4-7"),
        ("5/1", "5/1 6/4 6/5 5/1"),
        ("0/0-11", "1/0-47"),
    ],
)
def test_forms_that_mean_the_same(text: str, same: str):
    ranges = PixelSet.moc(text).ranges
    assert ranges == PixelSet.moc(same).ranges
    np.testing.assert_array_equal(MOC.from_string(text).to_depth29_ranges.astype(np.int64), ranges)


def test_empty_and_whole_are_sets_too():
    assert PixelSet.moc("29/").ranges == PixelSet.moc("{}").ranges == ()
    assert PixelSet.moc("29/").cover(10) == []
    assert PixelSet.moc("0/0-11") == WHOLE
    assert WHOLE.sky_fraction == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got nothing"),
        ("1-3", "got '1-3'"),
        ("5/1-", "got '5/1-'"),
        ("5/x", "got '5/x'"),
        ("t5/1", "got 't5/1'"),
        ("30/1", "from 0 to 29, got 30"),
        ("0/12", "order 0 are from 0 to 11, got 12"),
        ("5/3-1", "goes upwards"),
        ("{", "no JSON"),
        ('{"5": 1}', "got '5'"),
        ('{"5": [true]}', "the pixel 'True'"),
        ('{"5": [-1]}', "the pixel '-1'"),
        ('{"5": [1.5]}', "the pixel '1.5'"),
        ("29/" + " ".join(str(2 * i) for i in range(MOST_RANGES + 1)), "100,001 separate pieces"),
    ],
)
def test_what_is_no_moc_is_refused(text: str, words: str):
    with pytest.raises(ParameterError, match="moc") as refused:
        PixelSet.moc(text)
    assert words in refused.value.problem


@pytest.mark.parametrize("text", ["", "5", "5/", "/5", "5/1-3", "30/1", "1/48", "-1/0", "5/1.0"])
def test_what_is_no_pixel_is_refused(text: str):
    with pytest.raises(ParameterError, match="healpix"):
        PixelSet.pixel(text)


@pytest.mark.parametrize(("text", "most"), [("5/1074 6/4253", 8), ("9/5-4000", 30), ("0/3", 100), ("29/0 1/47", 2)])
def test_cones_cover_the_set(text: str, most: int):
    cones = PixelSet.moc(text).cover(most)
    assert len(cones) <= max(most, 12)
    cells = MOC.from_string(text)
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 200_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000)))
    stars = SkyCoord(ra, dec, unit="deg")
    stars = stars[cells.contains_skycoords(stars)]
    covered = np.zeros(len(stars), dtype=bool)
    for cone in cones:
        covered |= stars.separation(SkyCoord(cone.ra, cone.dec, unit="deg")).deg < cone.radius
    assert covered.all()
    assert len(stars) > 5


@pytest.mark.parametrize(
    "text", ["5/1-3 6/44", "0/0-11", "29/0 5", "3/", "0/3 1/0-2 29/1441151880758558724-1441151880758558999"]
)
def test_a_set_is_written_as_mocpy_writes_it(text: str):
    pixels, moc = PixelSet.moc(text), MOC.from_string(text)
    assert MOC.from_string(pixels.ascii(moc.max_order)) == moc
    assert PixelSet.moc(pixels.ascii(29)) == pixels
    assert {str(order): cells for order, cells in pixels.cells().items()} == {
        order: cells for order, cells in moc.serialize("json").items() if cells
    }
