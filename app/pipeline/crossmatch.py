"""Measurements to stars, in one transaction: there are the old stars or the new ones, never a mixture.

Where little came or went since the last time, only what that can have changed is matched anew, to the same stars as if
everything were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.errors import ConflictError, ParameterError
from app.domain.stars import CrossmatchSummary
from app.pipeline.match_changes import part_to_match
from app.pipeline.match_counts import added, star_counts, summary
from app.pipeline.match_input import Measurements
from app.pipeline.progress import Progress, silent
from app.pipeline.star_table import Found, match_table, numbered, star_table
from app.science.arrays import Floats
from app.science.crossmatch.attributes import describe
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.resolve import Stars, resolve
from app.storage import matching
from app.storage.engine import Database
from app.storage.matching import File, MadeOf

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
        tables, found = _match(connection, radii, full=full, progress=progress)
        progress(4, _STEPS)
        if found.why_full is not None:
            matching.replace(connection, tables)
        elif tables:
            matching.change(connection, tables)
        if tables:
            matching.record_run(connection, measurements=found.measurements, stars=found.stars)
        progress(5, _STEPS)
    return found


def _match(
    connection: Connection, radii: Mapping[str, float], *, full: bool, progress: Progress
) -> tuple[Tables, CrossmatchSummary]:
    """Return the new tables; the arrays that they were made of are gone before the tables are written."""
    earlier, files = matching.made_of(connection), matching.files(connection)
    radii = _of_surveys(radii, files, earlier)
    part = part_to_match(connection, earlier, EDITION, radii, files, full=full)
    looked_at, why_full, counts = part.looked_at, part.why_full, part.counts
    made = MadeOf(EDITION, radii, _rows_of(files), counts, part.first_epoch, part.last_epoch)
    measurements = part.measurements.in_order()
    del part
    progress(1, _STEPS)
    if looked_at == 0 and why_full is None:
        return {}, summary(counts, new_stars=0, gone_stars=0, looked_at=0, why_full=None)
    radius = np.array([radii[survey] for survey in measurements.surveys], np.float64)
    stars = _resolved(measurements, radius)
    progress(2, _STEPS)
    attributes = describe(measurements.rows, radius, stars, measurements.magnitudes)
    found = Found(measurements, stars, attributes, affected=why_full is None)
    numbering = numbered(connection, found)
    progress(3, _STEPS)
    counts = added(counts, (1, star_counts(measurements, stars.star, stars.how, stars.ambiguous)))
    matching.keep(connection, replace(made, counts=counts))
    tables = {"match": match_table(found, numbering), "star": star_table(connection, found, numbering)}
    new, gone = len(stars) - numbering.n_kept, len(numbering.known["star_id"]) - numbering.n_kept
    return tables, summary(counts, new_stars=new, gone_stars=gone, looked_at=looked_at, why_full=why_full)


def _of_surveys(radii: Mapping[str, float], files: list[File], earlier: MadeOf | None) -> dict[str, float]:
    """Return the radius of every survey; one whose measurements are all gone has that of the last time."""
    there = {one.survey for one in files if not one.superseded}
    missing = sorted(there - radii.keys())
    if missing:
        raise ParameterError("radii", f"every survey needs a match radius in arcsec, {missing[0]} has none")
    before = earlier.radii if earlier else {}
    return {one.survey: (radii if one.survey in radii else before).get(one.survey, 0.0) for one in files}


def _rows_of(files: list[File]) -> frozenset[tuple[int, int, int]]:
    return frozenset((one.survey_id, one.ingestion_id, one.n_rows) for one in files if not one.superseded)


def _resolved(measurements: Measurements, radius: Floats) -> Stars:
    rows = measurements.rows
    try:
        return resolve(rows, radius)
    except CrowdError as error:
        near = np.hypot(rows.ra - error.ra, rows.dec - error.dec) < 1 / 3600
        whose = measurements.surveys[int(np.bincount(rows.survey[near], minlength=1).argmax())]
        raise ConflictError(f"{error}, most of them of {whose}: no position has so many stars") from error
