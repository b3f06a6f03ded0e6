"""What lies outside the neighbourhood of new rows stays as it is, and the neighbourhood alone tells what it becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.science.crossmatch.observations import Observations, canonical_order
from app.science.crossmatch.reach import neighbourhoods
from app.science.crossmatch.resolve import resolve
from tests.support.survey_rows import observations, row
from tests.support.tangled_sky import RADII, SURVEYS, tangled

RADIUS = np.array([RADII[survey] for survey in SURVEYS])


def _observations(rows: list[dict[str, Any]]) -> Observations:
    texts: dict[str | None, int] = {None: 0}
    keyed = [
        {
            **one,
            "survey": SURVEYS.index(one["survey"]),
            "object_key": texts.setdefault(f"{one['survey']}:{one['object_id']}", len(texts)),
            "tmass_key": texts.setdefault(one["tmass"], len(texts)) if one["tmass"] else 0,
        }
        for one in rows
    ]
    return observations(*keyed)


def _resolved(rows: Observations) -> dict[str, Any]:
    """Return star (named by its best row), way and ambiguity of each row, by what the row says."""
    order = canonical_order(rows)
    stars = resolve(rows.taken(order), RADIUS)
    members = [frozenset(order[stars.star == star].tolist()) for star in range(len(stars))]
    said: dict[str, Any] = {}
    for place, row_number in enumerate(order.tolist()):
        star = stars.star[place]
        best, gaia = int(order[stars.best_row[star]]), int(stars.gaia_dr3[star])
        said[row_number] = (members[star], best, gaia, int(stars.how[place]), bool(stars.ambiguous[place]))
    return said


@pytest.mark.parametrize("seed", range(150))
def test_rows_apart_are_resolved_apart(seed: int) -> None:
    rows = _observations(tangled(seed))
    rng = np.random.default_rng(seed)
    new = rng.random(len(rows)) < rng.choice([0.01, 0.03, 0.1])
    new[0] = True
    old = np.flatnonzero(~new)
    before = {int(old[key]): value for key, value in _resolved(rows.taken(old)).items()}
    before = {
        key: (frozenset(old[list(value[0])].tolist()), int(old[value[1]]), *value[2:]) for key, value in before.items()
    }
    after = _resolved(rows)
    home = neighbourhoods(rows, RADIUS[rows.survey], np.zeros(len(rows), np.int64)).home
    affected = np.isin(home, home[new])
    apart = np.flatnonzero(~affected).tolist()
    assert {one: before[one] for one in apart} == {one: after[one] for one in apart}
    part = np.flatnonzero(affected)
    alone = {
        int(part[key]): (frozenset(part[list(value[0])].tolist()), int(part[value[1]]), *value[2:])
        for key, value in _resolved(rows.taken(part)).items()
    }
    assert alone == {one: after[one] for one in part.tolist()}


def test_most_of_the_sky_is_out_of_reach() -> None:
    """That nothing may be left out is shown above; a neighbourhood that held everything would pass as well."""
    rows = _observations(tangled(1, n_stars=3000, wrong=0.002))
    home = neighbourhoods(rows, RADIUS[rows.survey], np.zeros(len(rows), np.int64)).home
    assert np.unique(home, return_counts=True)[1].max() < 0.05 * len(rows)
    seeds = home[np.random.default_rng(1).integers(0, len(rows), 20)]
    assert np.isin(home, seeds).mean() < 0.1


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (row(1, 2.9), True),
        (row(1, 3.2), False),
        (row(1, 3600, tmass_key=5), True),
        (row(1, 3600, gaia_dr2=7), False),
        (row(1, 90.0, epoch_jyear=1986.0, pm_ra_cosdec_masyr=-3000.0, pm_dec_masyr=0.0), True),
        (row(1, 90.0, epoch_jyear=1986.0, pm_ra_cosdec_masyr=-2000.0, pm_dec_masyr=0.0), False),
    ],
)
def test_steps_lead_along_names_places_and_motions(second: dict[str, Any], together: bool) -> None:
    rows = observations(row(0, tmass_key=5, gaia_dr3=7), second)
    home = neighbourhoods(rows, np.array([1.0, 3.0]), np.zeros(2, np.int64)).home
    assert (home[0] == home[1]) == together


def test_a_motion_is_that_of_all_rows_of_a_name() -> None:
    """The place is of the first row, the motion of the second, and only both together lead to the third."""
    place = row(0, object_key=5)
    motion = row(0, 6.0, 10.5, object_key=5, epoch_jyear=2014.0, pm_ra_cosdec_masyr=-3000.0, pm_dec_masyr=0.0)
    third = row(1, 18.0, epoch_jyear=2010.0)
    rows = observations(place, motion, third)
    order = canonical_order(rows)
    assert len(resolve(rows.taken(order), np.ones(2))) == 1
    assert len(set(neighbourhoods(rows, np.ones(3), np.zeros(3, np.int64)).home.tolist())) == 1
    assert len(set(neighbourhoods(observations(motion, third), np.ones(2), np.zeros(2, np.int64)).home.tolist())) == 2


def test_rows_of_one_star_stay_together_and_none_is_no_error() -> None:
    rows = observations(row(0), row(0, 900), row(0, 1800))
    assert neighbourhoods(rows, np.ones(3), np.array([4, 0, 4])).home.tolist() == [0, 1, 0]
    assert len(neighbourhoods(rows.taken(np.zeros(0, np.int64)), np.ones(0), np.zeros(0, np.int64)).home) == 0
