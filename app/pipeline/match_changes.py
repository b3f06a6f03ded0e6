"""Which measurements a cross-match has to look at again: what came and went, and all that it can have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.pipeline.match_input import Measurements
from app.science.arrays import Booleans, Integers
from app.science.crossmatch.damage import rounded_among, without
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.reach import neighbourhoods
from app.storage import matching
from app.storage.matching import MadeWith

LARGEST_SHARE = 0.3
"""Where more than this share of all measurements may have changed, it is quicker to match all of them."""


@dataclass(frozen=True)
class Changes:
    """Rows (n,) that are to be matched anew, and why these are all of them; None where they are a part."""

    rows: Booleans
    why_full: str | None


def changes(connection: Connection, measurements: Measurements, n_lost: int, made: MadeWith) -> Changes:
    """Find the rows that a cross-match of everything could treat otherwise than before.

    Where these are a part, they and the stars that may change are marked in the database (see `matching`).

    Args:
        connection: in the transaction of the cross-match.
        measurements: all of them, as loaded.
        n_lost: how many matches are of measurements that are no more.
        made: what a cross-match of now goes by.
    """
    why = _why_full(connection, measurements, n_lost, made)
    if why is None:
        found = _affected(connection, measurements, made.radii)
        if isinstance(found, str):
            why = found
        else:
            return Changes(found, None)
    return Changes(measurements.present, why)


def _why_full(connection: Connection, measurements: Measurements, n_lost: int, made: MadeWith) -> str | None:
    """Return why the stars that are there say nothing of those to be made, None if they do."""
    earlier = matching.made_with(connection)
    if earlier is None:
        return "nothing was matched before"
    if earlier.edition != made.edition:
        return "the rules of the cross-match have changed"
    other = [name for name, radius in made.radii.items() if earlier.radii.get(name, radius) != radius]
    if other:
        return f"the match radius of {other[0]} has changed"
    if n_lost:
        return "measurements that were matched are no more"
    matched = measurements.star[measurements.star > 0]
    if matching.count_stars(connection) != (len(np.unique(matched)), len(matched)):
        return "stars or matches are not those that the last cross-match made"
    return None


def _affected(connection: Connection, measurements: Measurements, radii: Mapping[str, float]) -> Booleans | str:
    known = measurements.star > 0
    seeds: Booleans = measurements.present != known
    most = LARGEST_SHARE * measurements.present.sum()
    if seeds.sum() > most:
        return "too large a part is new or gone"
    if not seeds.any():
        return seeds
    then, now = rounded_among(measurements.rows, known), rounded_among(measurements.rows, measurements.present)
    both = known & measurements.present
    if any(np.any((before != after) & both) for before, after in zip(then, now, strict=True)):
        return "Gaia ids are taken for rounded that were not before, or no longer"
    rows = without(measurements.rows, then[0] | now[0], then[1] | now[1])
    radius = np.array([radii[survey] for survey in measurements.surveys])[rows.survey]
    try:
        home = neighbourhoods(rows, radius, measurements.star)
    except CrowdError:
        return "many measurements lie at one place"
    affected = _with_named_stars(connection, measurements, home, seeds)
    return "too large a part may have changed" if affected.sum() > most else affected


def _with_named_stars(connection: Connection, measurements: Measurements, home: Integers, seeds: Booleans) -> Booleans:
    """Return the rows of all neighbourhoods of some rows, and of the stars that rows of these are named after.

    A star is where its name is: a new row that has it can take the star's number away from rows anywhere.
    """
    matching.open_affected(connection)
    while True:
        affected = np.isin(home, home[seeds])
        marked = np.flatnonzero(affected)
        matching.mark_measurements(
            connection,
            measurements.survey_ids[measurements.rows.survey[marked]],
            measurements.measurement_id[marked],
        )
        named = matching.named_stars(connection)
        elsewhere = np.isin(measurements.star, named) & ~affected
        if not elsewhere.any():
            stars = np.union1d(measurements.star[affected], named)
            matching.mark_stars(connection, stars[stars > 0])
            return affected
        seeds = affected | elsewhere
