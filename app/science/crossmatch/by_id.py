"""Rows joined by the identifiers that they share: Gaia DR3, the survey's own object, Gaia DR2, 2MASS, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.forest import common_value, root, roots, singles, unite
from app.science.crossmatch.motion import moves, separation
from app.science.crossmatch.observations import Observations

SLACK_ARCSEC = 10.0
FASTEST_ARCSEC_PER_YEAR = 2.0


@dataclass(frozen=True)
class Joined:
    """Sets of rows that are of one star, each known by its first row.

    Attributes:
        root: (n,) sets by identifiers.
        source: (n,) sets by identifiers, and rows of one survey at the very same place.
        doubtful: (n,) rows with an identifier that is not believed.
    """

    root: Integers
    source: Integers
    doubtful: Booleans


def join_by_ids(rows: Observations, radius_arcsec: Floats) -> Joined:
    """Join rows by shared identifiers, the strongest first; a DR2 id meets DR2 ids only.

    An identifier is believed where its rows lie together (within the larger match radius, `SLACK_ARCSEC`, and
    `FASTEST_ARCSEC_PER_YEAR` for the years between them if no proper motion is known), and where it does not bring
    together rows that a stronger identifier holds apart: two Gaia DR3 ids are two stars whatever else agrees, and so
    are two DR2 ids that no DR3 id unites. All rows with an identifier that is not believed are doubtful.

    Args:
        rows: n rows in canonical order.
        radius_arcsec: (n,) match radius of each row's survey.
    """
    parent = singles(len(rows))
    doubtful = np.zeros(len(rows), np.bool_)
    places = rows.ra, rows.dec, rows.epoch_jyear, rows.pm_ra_cosdec_masyr, rows.pm_dec_masyr
    for key in (rows.gaia_dr3, rows.object_key, rows.gaia_dr2, rows.tmass_key):
        members, start = runs_of(key)
        together = _lie_together(members, start, *places, radius_arcsec)
        if key is not rows.gaia_dr3:
            together &= ~_contradicted(parent, members, start, together, rows.gaia_dr3, (rows.gaia_dr2,))
        unite_runs(parent, members, start, together)
        doubtful[members[np.repeat(~together, np.diff(start))]] = True
    return Joined(roots(parent), _at_one_place(rows, parent), doubtful)


def _at_one_place(rows: Observations, parent: Integers) -> Integers:
    """Unite rows of one survey at the very same place, where no identifiers differ; return the root (n,) of each."""
    changes = np.zeros(len(rows), np.bool_)
    for column in (rows.survey, rows.ra, rows.dec, rows.epoch_jyear):
        changes |= np.diff(column, prepend=np.nan) != 0
    members, start = runs_of(np.cumsum(changes))
    everywhere = np.ones(len(start) - 1, np.bool_)
    names = rows.gaia_dr2, rows.tmass_key
    united = parent.copy()
    unite_runs(united, members, start, ~_contradicted(parent, members, start, everywhere, rows.gaia_dr3, names))
    source: Integers = roots(united)
    return source


def runs_of(key: Integers) -> tuple[Integers, Integers]:
    """Return rows sorted by their key, and where each key's run of two or more rows starts (and the end of all)."""
    members = np.flatnonzero(key)
    members = members[np.argsort(key[members], kind="stable")]
    edges = np.flatnonzero(np.diff(key[members], prepend=0, append=0))
    lengths = np.diff(edges)
    shared = lengths > 1
    return members[np.repeat(shared, lengths)], np.concatenate([[0], np.cumsum(lengths[shared])]).astype(np.int64)


def _contradicted(
    parent: Integers, members: Integers, start: Integers, wanted: Booleans, dr3: Integers, names: tuple[Integers, ...]
) -> Booleans:
    """Say which runs belong to a chain of runs that would bring two different stars together.

    These are sets with two DR3 ids, and sets made of sets that agree, each in itself, on different other names.
    """
    trial = parent.copy()
    unite_runs(trial, members, start, wanted)
    before, after = roots(parent), roots(trial)
    two_stars = common_value(after, dr3) == -1
    for name in names:
        of_set = common_value(before, name)[before]
        two_stars |= common_value(after, np.where(of_set == -1, 0, of_set)) == -1
    contradicted: Booleans = two_stars[after[members[start[:-1]]]]
    return contradicted


@numba.njit(cache=True, nogil=True)
def unite_runs(parent: Any, members: Any, start: Any, wanted: Any) -> None:
    """Make one set of the rows of every run (see `runs_of`) that is wanted (r,)."""
    for r in range(len(wanted)):
        if wanted[r]:
            first = root(parent, members[start[r]])
            for k in range(start[r] + 1, start[r + 1]):
                first = unite(parent, first, members[k])


@numba.njit(cache=True, nogil=True)
def _lie_together(members: Any, start: Any, ra: Any, dec: Any, epoch: Any, pm_ra: Any, pm_dec: Any, radius: Any) -> Any:
    result = np.ones(len(start) - 1, np.bool_)
    for r in range(len(result)):
        i = members[start[r]]
        for k in range(start[r] + 1, start[r + 1]):
            j = members[k]
            limit = max(radius[i], radius[j]) + SLACK_ARCSEC
            if not moves(pm_ra[i], pm_dec[i]) and not moves(pm_ra[j], pm_dec[j]):
                limit += FASTEST_ARCSEC_PER_YEAR * abs(epoch[i] - epoch[j])
            if separation(i, j, ra, dec, epoch, pm_ra, pm_dec) > limit:
                result[r] = False
                break
    return result
