"""The split of stars is a fixed function of their names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from app.science.calibration.split import split_of


def _fraction(identity: str) -> float:
    """The documented hash, written a second time with Python's integers."""
    value = 14695981039346656037
    for letter in identity.encode():
        value = (value ^ letter) * 1099511628211 % 2**64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return ((value ^ value >> 31) >> 11) / 2**53


NAMES = ["gaia:604906737317927296", "2mass:08520715+1149254", "lamost_lrs:75606117", "", "δ Cephei"]


def test_the_hash_is_the_documented_one() -> None:
    expected = [0 if _fraction(name) < 0.6 else 1 if _fraction(name) < 0.8 else 2 for name in NAMES]
    assert split_of(np.array(NAMES)).tolist() == expected
    assert split_of(pa.array(["x", *NAMES])[1:]).tolist() == expected
    many = [f"galah_dr3:{number}" for number in range(500)]
    assert split_of(np.array(many)).tolist() == [np.searchsorted([0.6, 0.8], _fraction(n), "right") for n in many]


def test_no_stars_have_no_split() -> None:
    assert split_of(np.array([], dtype=object)).shape == (0,)


@pytest.mark.parametrize(("first", "step"), [(0, 1), (604906737317927296, 128), (4 * 10**18, 2**35)])
def test_names_that_differ_little_are_shared_out_as_promised(first: int, step: int) -> None:
    n = 200_000
    names = np.char.add("gaia:", (first + step * np.arange(n)).astype(str))
    shares = np.bincount(split_of(names), minlength=3) / n
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=4 * np.sqrt(0.24 / n))
    halves = split_of(names[::2]), split_of(names[1::2])
    assert np.mean(halves[0] == halves[1]) == pytest.approx(0.44, abs=0.008)
