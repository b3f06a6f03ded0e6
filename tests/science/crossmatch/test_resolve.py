"""Survey rows become the stars that they are of: known truths, contradictions, and no dependence on order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.science.crossmatch.observations import MOST_SURVEYS, Observations, canonical_order
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.resolve import ALONE, BY_ID, BY_POSITION, resolve
from app.science.sphere import healpix_nested, moved
from tests.support.survey_rows import observations, resolved, row

A, B, C, D = range(4)
GAIA, OTHER_GAIA, TMASS, OTHER_TMASS = 604906737317927296, 604917732434325248, 71, 72


def grouped(*rows: dict[str, Any], radius: float | list[float] = 3.0) -> tuple[str, str]:
    """Stars of the rows as letters in order of appearance, and a `!` for each ambiguous row."""
    star, ambiguous, _, _ = resolved(*rows, radius=radius)
    letters = {number: chr(ord("a") + i) for i, number in enumerate(dict.fromkeys(star))}
    return "".join(letters[number] for number in star), "".join("!" if flag else "." for flag in ambiguous)


SCENES: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "one star in three surveys": ([row(A), row(B, 0.4), row(C, -0.3, 0.5)], "aaa", "..."),
    "two stars": ([row(A), row(B, 3.1)], "ab", ".."),
    "a repeat observation": ([row(A), row(A, 0.9)], "aa", ".."),
    "two objects of one survey are two stars": ([row(A), row(A, 1.5)], "ab", "!!"),
    "the same object of a survey, 8 arcsec off": ([row(A, object_key=5), row(A, 8.0, object_key=5)], "aa", ".."),
    "the same object at two places": ([row(A, object_key=5), row(A, 60.0, object_key=5)], "ab", "!!"),
    "Gaia DR3 unites over the radius": ([row(A, gaia_dr3=GAIA), row(B, 9.0, gaia_dr3=GAIA)], "aa", ".."),
    "Gaia DR2 unites": ([row(A, gaia_dr2=GAIA), row(B, 9.0, gaia_dr2=GAIA)], "aa", ".."),
    "2MASS unites": ([row(A, tmass_key=TMASS), row(B, 9.0, tmass_key=TMASS)], "aa", ".."),
    "DR2 and DR3 ids are not compared by value": (
        [row(A, gaia_dr3=GAIA), row(B, 9.0, gaia_dr2=GAIA)], "ab", ".."),
    "a DR2 id equal to another star's DR3 id says nothing": (
        [row(A, gaia_dr3=GAIA), row(B, 20.0, gaia_dr3=OTHER_GAIA), row(C, 20.0, gaia_dr2=GAIA)], "abb", "..."),
    "two DR3 ids are two stars, however close": (
        [row(A, gaia_dr3=GAIA), row(B, 0.1, gaia_dr3=OTHER_GAIA)], "ab", "!!"),
    "two DR2 ids are two stars": ([row(A, gaia_dr2=GAIA), row(B, 0.1, gaia_dr2=OTHER_GAIA)], "ab", "!!"),
    "one DR3 id, two DR2 ids": (
        [row(A, gaia_dr3=GAIA, gaia_dr2=1), row(B, 0.1, gaia_dr3=GAIA, gaia_dr2=2)], "aa", ".."),
    "two 2MASS sources are two stars": ([row(A, tmass_key=TMASS), row(B, 0.1, tmass_key=OTHER_TMASS)], "ab", "!!"),
    "a 2MASS designation of two Gaia sources is not believed": (
        [row(A, gaia_dr3=GAIA, tmass_key=TMASS), row(B, 8.0, gaia_dr3=OTHER_GAIA, tmass_key=TMASS)], "ab", "!!"),
    "nor does it unite a third row, which goes by position": (
        [row(A, gaia_dr3=GAIA, tmass_key=TMASS), row(B, 8.0, gaia_dr3=OTHER_GAIA, tmass_key=TMASS),
         row(C, 8.2, tmass_key=TMASS), row(D, 40.0)], "abbc", "!!!."),
    "nor a chain of identifiers that ends at two Gaia sources": (
        [row(A, gaia_dr3=GAIA, tmass_key=TMASS), row(B, 4.0, tmass_key=TMASS, object_key=5),
         row(B, 8.0, tmass_key=OTHER_TMASS, object_key=5), row(C, 12.0, gaia_dr3=OTHER_GAIA, tmass_key=OTHER_TMASS)],
        "abbc", "!!!!"),
    "an object of two Gaia sources is not believed": (
        [row(A, gaia_dr3=GAIA, object_key=5), row(A, 5.0, gaia_dr3=OTHER_GAIA, object_key=5)], "ab", "!!"),
    "a Gaia id at two places is not believed": (
        [row(A, gaia_dr3=GAIA), row(B, 0.2, gaia_dr3=GAIA), row(C, 600.0, gaia_dr3=GAIA)], "aab", "!!!"),
    "years excuse a distance where the motion is unknown": (
        [row(A, gaia_dr3=GAIA), row(B, 40.0, gaia_dr3=GAIA, epoch_jyear=2000.0)], "aa", ".."),
    "a blend: two candidates, as near": ([row(A), row(B, -1.0), row(B, 1.1)], "abc", "!!!"),
    "two candidates, one clearly nearer": ([row(A), row(B, 0.1), row(B, 2.5)], "aab", "!!!"),
    "a close double that both surveys resolve": (
        [row(A), row(A, 2.0), row(B, 0.1), row(B, 2.1)], "abab", "!!!!"),
    "no chain of neighbours": ([row(A), row(B, 2.5), row(C, 5.0)], "abc", "!!!"),
    "a chain with a clear pair": ([row(A), row(B, 0.5), row(C, 3.2)], "aab", ".!!"),
    "identifiers come before position": (
        [row(A, gaia_dr3=GAIA), row(B, 2.9, gaia_dr3=GAIA), row(B, 0.2)], "aab", "!!!"),
    "a row without ids joins the star of the ids": (
        [row(A, gaia_dr3=GAIA), row(B, 0.5, gaia_dr3=GAIA, tmass_key=TMASS), row(C, 0.3, tmass_key=TMASS), row(D)],
        "aaaa", "...."),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_stars_of_a_scene(scene: str) -> None:
    rows, stars, flags = SCENES[scene]
    assert grouped(*rows) == (stars, flags)


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_the_same_at_a_pole_and_backwards(scene: str) -> None:
    rows, stars, flags = SCENES[scene]
    turned = []
    for one in rows[::-1]:
        east, north = (one["ra"] + 180) % 360 - 180, one["dec"]
        ra, dec = moved(np.zeros(1), np.full(1, 89.9999), east * 3.6e6, north * 3.6e6, 1.0)
        turned.append(one | {"ra": ra.item(), "dec": dec.item()})
    named = dict(zip([f"{i}" for i in range(len(rows))], reversed(grouped(*turned)[0]), strict=True))
    letters = {letter: chr(ord("a") + i) for i, letter in enumerate(dict.fromkeys(named.values()))}
    assert "".join(letters[letter] for letter in named.values()) == stars
    assert grouped(*turned)[1][::-1] == flags


def test_the_larger_radius_of_two_surveys_counts() -> None:
    assert grouped(row(A), row(B, 2.5), radius=[1.0, 3.0])[0] == "aa"
    assert grouped(row(A), row(B, 2.5), radius=[1.0, 2.0])[0] == "ab"


def test_proper_motion_brings_epochs_together() -> None:
    fast = {"pm_ra_cosdec_masyr": 400.0, "pm_dec_masyr": -300.0}
    then, now = row(A, epoch_jyear=2000.0), row(B, 6.4, -4.8, epoch_jyear=2016.0)
    assert grouped(then, now | fast, radius=1.0) == ("aa", "..")
    assert grouped(then | fast, now, radius=1.0) == ("aa", "..")
    assert grouped(then | fast, now | fast, radius=1.0) == ("aa", "..")
    assert grouped(then, now, radius=1.0) == ("ab", "..")
    left_behind = row(C, 6.4, -4.8, epoch_jyear=2000.0)
    assert grouped(then, now | fast, left_behind, radius=1.0) == ("aab", "...")


def test_how_a_row_was_matched() -> None:
    _, _, stars, order = resolved(
        row(A, gaia_dr3=GAIA), row(B, 0.2, gaia_dr3=GAIA), row(C, 0.3), row(A, 100.0), row(A, 200.0), row(B, 200.5)
    )
    how = stars.how[np.argsort(order)]
    assert how.tolist() == [BY_ID, BY_ID, BY_POSITION, ALONE, BY_POSITION, BY_POSITION]
    assert sorted(zip(stars.n_rows.tolist(), stars.n_surveys.tolist(), strict=True)) == [(1, 1), (2, 2), (3, 3)]


def test_the_best_position_is_gaia_s() -> None:
    moving = {"pm_ra_cosdec_masyr": 1.0, "pm_dec_masyr": 1.0}
    given = [row(A, epoch_jyear=2000.0), row(B, 0.1, epoch_jyear=2000.0) | moving, row(C, 0.2), row(D, 0.3) | moving]
    for last, best in ((4, 3), (3, 2), (2, 1), (1, 0)):
        _, _, stars, order = resolved(*given[:last])
        assert order[stars.best_row].tolist() == [best]
    _, _, stars, order = resolved(row(A), row(B, 0.1), radius=[3.0, 1.0])
    assert order[stars.best_row].tolist() == [1]


def test_a_gaia_id_belongs_to_one_star_only() -> None:
    far = [row(A, 600.0, gaia_dr3=GAIA), row(B, 600.1, gaia_dr3=GAIA)]
    _, _, stars, order = resolved(row(C, gaia_dr3=GAIA), *far, row(D, 50.0))
    assert sorted(stars.gaia_dr3.tolist()) == [0, 0, GAIA]
    assert stars.gaia_dr3[stars.star[np.argsort(order)][1]] == GAIA


def test_a_survey_s_rows_at_the_very_same_place_are_one_star() -> None:
    pile = [row(A) for _ in range(3000)]
    star, ambiguous, stars, _ = resolved(*pile, row(B, 0.5))
    assert set(star) == {0}
    assert not any(ambiguous)
    assert set(stars.how.tolist()) == {BY_POSITION}


def test_too_many_different_stars_at_one_place_are_refused() -> None:
    with pytest.raises(CrowdError, match=r"near ra 120\.00000, dec -7\.00000"):
        resolved(*(row(A, gaia_dr3=GAIA + k, ra=120.0, dec=-7.0) for k in range(3000)), row(B))


def test_no_rows_are_no_stars() -> None:
    nothing = Observations(*(np.zeros(0, np.int64),) * 5, *(np.zeros(0),) * 5)
    assert len(resolve(nothing.taken(canonical_order(nothing)), np.array([3.0]))) == 0


def test_too_many_surveys_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 63 surveys"):
        resolve(observations(row(A)), np.ones(MOST_SURVEYS + 1))


def _simulated(n_stars: int, seed: int) -> tuple[Observations, np.ndarray]:
    """Four surveys of moving stars with repeats: Gaia ids and motions, 2MASS names, Gaia and 2MASS, positions alone."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n_stars), np.degrees(np.arcsin(rng.uniform(-1, 1, n_stars)))
    ra[: n_stars // 10] = rng.normal(0, 1.0, n_stars // 10) % 360
    dec[: n_stars // 20] = 90 - np.abs(rng.normal(0, 3, n_stars // 20))
    pm = rng.normal(0, 30, (2, n_stars))
    dr3, tmass = rng.integers(1, 2**62, (2, n_stars))
    parts, truth = [], []
    for survey, (epoch, error, gaia, two, motion) in enumerate(
        [(2016.0, 0.001, 1, 0, 1), (2000.0, 0.1, 0, 1, 0), (2000.0, 0.15, 1, 1, 0), (2000.0, 0.15, 0, 0, 0)]
    ):
        seen = rng.permutation(n_stars)[: n_stars // 2]
        seen = np.concatenate([seen, seen[: n_stars // 10]])
        off = rng.normal(0, error * 1000, (2, len(seen)))
        place = moved(
            ra[seen], dec[seen], pm[0, seen] * (epoch - 2000) + off[0], pm[1, seen] * (epoch - 2000) + off[1], 1.0
        )
        number, unknown = np.full(len(seen), survey), np.full((2, len(seen)), np.nan)
        ids = rng.integers(1, 2**62, len(seen)), dr3[seen] * gaia, np.zeros(len(seen), np.int64), tmass[seen] * two
        parts.append((number, *ids, *place, np.full(len(seen), epoch), *(pm[:, seen] if motion else unknown)))
        truth.append(seen)
    return Observations(*(np.concatenate(column) for column in zip(*parts, strict=True))), np.concatenate(truth)


RADII = np.array([1.0, 3.0, 3.0, 3.0])


def test_a_simulated_sky_is_recovered() -> None:
    rows, truth = _simulated(20_000, 1)
    order = canonical_order(rows)
    stars, truth = resolve(rows.taken(order), RADII), truth[order]
    pairs = np.unique(np.column_stack([stars.star, truth]), axis=0)
    assert np.bincount(pairs[:, 0]).max() == 1, "two true stars became one"
    broken = np.flatnonzero(np.bincount(pairs[:, 1]) > 1)
    assert len(broken) < 10
    assert stars.ambiguous.mean() < 0.002
    assert set(broken) <= set(truth[stars.ambiguous]), "a true star fell apart and nothing says so"
    place = healpix_nested(rows.taken(order).ra[stars.best_row], rows.taken(order).dec[stars.best_row])
    assert np.all(np.diff(place) >= 0)


def test_the_order_of_rows_and_the_numbers_of_surveys_do_not_matter() -> None:
    rows, _ = _simulated(3_000, 2)
    crowd = np.tile(np.arange(len(rows))[:2000], 2)
    rng = np.random.default_rng(3)
    rows = rows.taken(np.concatenate([np.arange(len(rows)), crowd]))
    off = rng.normal(0, 1.5 / 3600, (2, len(crowd)))
    rows.ra[-len(crowd) :] = (rows.ra[-len(crowd) :] + off[0]) % 360
    rows.dec[-len(crowd) :] = np.clip(rows.dec[-len(crowd) :] + off[1], -90, 90)
    rows.gaia_dr3[rng.integers(0, len(rows), 300)] = rows.gaia_dr3[rng.integers(0, len(rows), 300)]
    results = []
    for seed in range(4):
        shuffle = np.random.default_rng(seed).permutation(len(rows))
        order = shuffle[canonical_order(rows.taken(shuffle))]
        stars = resolve(rows.taken(order), RADII)
        back = np.argsort(order)
        _, first = np.unique(stars.star[back], return_index=True)
        results.append((first[stars.star[back]].tolist(), stars.ambiguous[back].tolist(), stars.how[back].tolist()))
    assert results[0][1].count(True) > 500
    assert all(result == results[0] for result in results)
