"""Measurements to stars, in one transaction: there are the old stars or the new ones, never a mixture.

Where little came or went since the last time, only what that can have changed is matched anew, to the same stars as if
everything were.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.errors import ConflictError, ParameterError
from app.domain.stars import CrossmatchSummary, Overlap, RoundedIds
from app.pipeline.match_changes import Changes, changes
from app.pipeline.match_input import Measurements, Outcome, load
from app.pipeline.progress import Progress, silent
from app.pipeline.star_table import Found, match_table, numbered, star_table
from app.science.arrays import Floats, Integers
from app.science.crossmatch.attributes import describe
from app.science.crossmatch.damage import rounded_among
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.resolve import ALONE, BY_ID, BY_POSITION, Stars, resolve
from app.storage import matching
from app.storage.engine import Database
from app.storage.matching import MadeWith

Tables = dict[str, dict[str, Any]]

EDITION = 1
"""Counts changes of the rules, so that stars made by older ones are made anew."""

_STEPS = 5


def survey_radii(database: Database) -> dict[str, float]:
    """Return the match radius of every ingested survey, in arcsec: the largest that its descriptors say."""
    with database.connect() as connection:
        return matching.radii(connection)


def crossmatch(
    database: Database, radii: Mapping[str, float], *, full: bool = False, progress: Progress = silent
) -> CrossmatchSummary:
    """Find the stars that all measurements belong to, and put them in the place of the earlier ones.

    A star of an earlier run keeps number, identity and split; new ones are numbered on, along the sky. What new and
    replaced measurements cannot have changed is left alone, unless it is a small part or the rules, a radius or the
    judgement of a survey's Gaia ids have changed.

    Args:
        database: to read from and write to.
        radii: match radius in arcsec by survey.
        full: whether to match everything anew.
        progress: called with steps done and in all.

    Raises:
        ParameterError: a survey has no radius.
        ConflictError: another cross-match is running, or far too many stars lie at one place.
    """
    with database.begin() as connection:
        matching.begin(connection)
        progress(0, _STEPS)
        tables, summary = _match(connection, radii, full=full, progress=progress)
        progress(4, _STEPS)
        if summary.why_full is not None:
            matching.replace(connection, tables)
        elif tables:
            matching.change(connection, tables)
        if tables:
            matching.record_run(connection, measurements=summary.measurements, stars=summary.stars)
        progress(5, _STEPS)
    return summary


def _match(
    connection: Connection, radii: Mapping[str, float], *, full: bool, progress: Progress
) -> tuple[Tables, CrossmatchSummary]:
    """Return the new tables; the arrays that they were made of are gone before the tables are written."""
    whole, n_lost = load(connection)
    made = MadeWith(EDITION, _radii_of(connection, whole, radii))
    todo = Changes(whole.present, "asked for") if full else changes(connection, whole, n_lost, made)
    matching.keep(connection, made)
    whole = whole.without_ids(*rounded_among(whole.rows, whole.present))
    which = whole.in_order(todo.rows & whole.present)
    part, after = whole.taken(which), Outcome.of(whole)
    del whole
    progress(1, _STEPS)
    if not todo.rows.any() and todo.why_full is None:
        return {}, _summary(part.surveys, after, todo, new_stars=0, gone_stars=0)
    radius = np.array([made.radii[survey] for survey in part.surveys], np.float64)
    stars = _resolved(part, radius)
    progress(2, _STEPS)
    attributes = describe(part.rows, radius, stars, part.magnitudes)
    found = Found(part, stars, attributes, affected=todo.why_full is None)
    numbering = numbered(connection, found)
    progress(3, _STEPS)
    after.put(which, numbering.number[stars.star], stars.how, stars.ambiguous)
    tables = {"match": match_table(found, numbering), "star": star_table(connection, found, numbering)}
    n_known, n_kept = len(numbering.known["star_id"]), numbering.n_kept
    return tables, _summary(part.surveys, after, todo, new_stars=len(stars) - n_kept, gone_stars=n_known - n_kept)


def _radii_of(connection: Connection, measurements: Measurements, radii: Mapping[str, float]) -> dict[str, float]:
    """Return the radius of every survey; one whose measurements are all gone has that of the last time."""
    earlier = matching.made_with(connection)
    known = {**(earlier.radii if earlier else {}), **radii}
    there = {measurements.surveys[one] for one in np.unique(measurements.rows.survey[measurements.present]).tolist()}
    missing = sorted(name for name in measurements.surveys if name not in (radii if name in there else known))
    if missing:
        raise ParameterError("radii", f"every survey needs a match radius in arcsec, {missing[0]} has none")
    return {name: known[name] for name in measurements.surveys}


def _resolved(measurements: Measurements, radius: Floats) -> Stars:
    rows = measurements.rows
    try:
        return resolve(rows, radius)
    except CrowdError as error:
        near = np.hypot(rows.ra - error.ra, rows.dec - error.dec) < 1 / 3600
        whose = measurements.surveys[int(np.bincount(rows.survey[near], minlength=1).argmax())]
        raise ConflictError(f"{error}, most of them of {whose}: no position has so many stars") from error


def _summary(
    surveys: tuple[str, ...], after: Outcome, todo: Changes, *, new_stars: int, gone_stars: int
) -> CrossmatchSummary:
    after = after.of_present()
    how = np.bincount(after.how, minlength=3)
    rounded = np.bincount(after.survey[after.rounded], minlength=len(surveys))
    numbers, star = np.unique(after.star, return_inverse=True)
    return CrossmatchSummary(
        measurements=len(after.star),
        by_id=int(how[BY_ID]),
        by_position=int(how[BY_POSITION]),
        alone=int(how[ALONE]),
        ambiguous=int(after.ambiguous.sum()),
        stars=len(numbers),
        matched_stars=int((np.bincount(star, minlength=1) > 1).sum()),
        ambiguous_stars=len(np.unique(star[after.ambiguous])),
        new_stars=new_stars,
        gone_stars=gone_stars,
        overlaps=_overlaps(surveys, after.survey, star, len(numbers)),
        rounded_ids=tuple(RoundedIds(s, n) for s, n in zip(surveys, rounded.tolist(), strict=True) if n),
        looked_at=int(todo.rows.sum()),
        why_full=todo.why_full,
    )


def _overlaps(surveys: tuple[str, ...], survey: Integers, star: Integers, n_stars: int) -> tuple[Overlap, ...]:
    """Return the number of stars that each two surveys have in common, the most first."""
    seen = np.zeros(n_stars, np.int64)
    np.bitwise_or.at(seen, star, np.left_shift(np.int64(1), survey))
    sets, counts = np.unique(seen, return_counts=True)
    found = []
    for (i, first), (j, second) in combinations(enumerate(surveys), 2):
        both = (1 << i) | (1 << j)
        common = int(counts[(sets & both) == both].sum())
        if common:
            found.append(Overlap(first, second, common))
    return tuple(sorted(found, key=lambda one: (-one.stars, one.first, one.second)))
