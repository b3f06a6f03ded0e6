"""A star keeps its number when rows come, go, or turn out to be another star's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.science.crossmatch.numbering import Known, kept_numbers
from tests.support.survey_rows import observations, row

GAIA, OBJECT, TMASS = 604906737317927296, 5, -71


def known(*stars: tuple[int, int, int]) -> Known:
    """Stars as number, Gaia id of the identity, key of the identity."""
    number, gaia, key = np.array(stars, np.int64).reshape(-1, 3).T
    return Known(number, gaia, key)


def numbers(rows: list[dict[str, Any]], star: list[int], known_stars: Known, before: list[int]) -> list[int]:
    n_stars = max(star) + 1
    return kept_numbers(observations(*rows), np.array(star), n_stars, known_stars, np.array(before)).tolist()


CASES: dict[str, tuple[list[dict[str, Any]], list[int], Known, list[int], list[int]]] = {
    "nothing was known": ([row(0), row(0)], [0, 1], known(), [0, 0], [0, 0]),
    "by its Gaia id": ([row(0, gaia_dr3=GAIA), row(1)], [1, 0], known((7, GAIA, 0)), [0, 0], [0, 7]),
    "by its survey object": ([row(0), row(1, object_key=OBJECT)], [0, 1], known((7, 0, OBJECT)), [0, 0], [0, 7]),
    "by its 2MASS designation": ([row(0), row(1, tmass_key=TMASS)], [0, 1], known((7, 0, TMASS)), [0, 0], [0, 7]),
    "by its rows where its name is gone": ([row(0), row(0), row(1)], [0, 1, 1], known((7, 0, 99)), [7, 7, 7], [0, 7]),
    "by its name although most rows went elsewhere": (
        [row(0, object_key=OBJECT), row(1), row(1)], [0, 1, 1], known((7, 0, OBJECT)), [7, 7, 7], [7, 0]),
    "of a name in two stars, where most of its rows are": (
        [row(0, tmass_key=TMASS), row(1, tmass_key=TMASS), row(1)], [0, 1, 1], known((7, 0, TMASS)), [7, 7, 7], [0, 7]),
    "of two that became one, the smaller": (
        [row(0, gaia_dr3=GAIA), row(1, object_key=OBJECT)], [0, 0], known((3, 0, OBJECT), (7, GAIA, 0)), [7, 3], [3]),
    "a name comes before rows": (
        [row(0, gaia_dr3=GAIA), row(1)], [0, 0], known((3, 0, 99), (7, GAIA, 0)), [7, 3], [7]),
    "one that lost everything ends": ([row(0)], [0], known((3, 0, 99), (7, 0, 98)), [0], [0]),
    "a row of a star that is no more counts for nothing": ([row(0)], [0], known((3, 0, 99)), [8], [0]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_kept(case: str) -> None:
    rows, star, known_stars, before, expected = CASES[case]
    assert numbers(rows, star, known_stars, before) == expected


def test_no_number_is_given_twice() -> None:
    rng = np.random.default_rng(1)
    n = 5_000
    rows = observations(
        *(row(0, object_key=int(key), gaia_dr3=int(gaia)) for key, gaia in rng.integers(0, 900, (n, 2)))
    )
    _, star = np.unique(rng.integers(0, 1_200, n), return_inverse=True)
    gaia = np.where(rng.random(800) < 0.5, np.arange(1, 801), 0)
    stars = Known(np.arange(10, 810), gaia, np.where(gaia == 0, np.arange(1, 801), 0))
    result = kept_numbers(rows, star, int(star.max()) + 1, stars, rng.integers(0, 900, n))
    kept = result[result > 0]
    assert len(np.unique(kept)) == len(kept) > 400
    assert np.isin(kept, stars.number).all()
