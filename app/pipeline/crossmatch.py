"""All measurements to stars, in one transaction: there are the old stars or the new ones, never a mixture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.errors import ConflictError, ParameterError
from app.domain.stars import CrossmatchSummary, Overlap, RoundedIds
from app.pipeline.progress import Progress, silent
from app.pipeline.star_table import Found, Measurements, match_table, numbered, star_table
from app.science.arrays import Floats
from app.science.crossmatch.attributes import describe
from app.science.crossmatch.damage import without_rounded_ids
from app.science.crossmatch.observations import Observations, canonical_order
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.resolve import ALONE, BY_ID, BY_POSITION, Stars, resolve
from app.storage import matching
from app.storage.engine import Database

Tables = dict[str, dict[str, Any]]

_MAGNITUDES = ("g_mag", "bp_mag", "rp_mag", "k_mag")
_IDENTIFIERS = ("object_key", "gaia_dr3", "gaia_dr2", "tmass_key")
_STEPS = 5


def survey_radii(database: Database) -> dict[str, float]:
    """Return the match radius of every ingested survey, in arcsec: the largest that its descriptors say."""
    with database.connect() as connection:
        return matching.radii(connection)


def crossmatch(database: Database, radii: Mapping[str, float], *, progress: Progress = silent) -> CrossmatchSummary:
    """Find the stars that all measurements belong to, and put them in the place of the earlier ones.

    A star of an earlier run keeps number, identity and split; new ones are numbered on, along the sky.

    Args:
        database: to read from and write to.
        radii: match radius in arcsec by survey.
        progress: called with steps done and in all.

    Raises:
        ParameterError: a survey has no radius.
        ConflictError: another cross-match is running, or far too many stars lie at one place.
    """
    with database.begin() as connection:
        matching.begin(connection)
        progress(0, _STEPS)
        tables, summary = _match(connection, radii, progress)
        progress(4, _STEPS)
        matching.replace(connection, tables)
        matching.record_run(connection, measurements=summary.measurements, stars=summary.stars)
        progress(5, _STEPS)
    return summary


def _match(connection: Connection, radii: Mapping[str, float], progress: Progress) -> tuple[Tables, CrossmatchSummary]:
    """Return the new tables; the arrays that they were made of are gone before the tables are written."""
    measurements = _load(connection)
    radius = _radius_of(measurements.surveys, radii)
    progress(1, _STEPS)
    stars = _resolved(measurements, radius)
    progress(2, _STEPS)
    found = Found(measurements, stars, describe(measurements.rows, radius, stars, measurements.magnitudes))
    numbering = numbered(connection, found)
    progress(3, _STEPS)
    tables = {"match": match_table(found, numbering), "star": star_table(connection, found, numbering)}
    return tables, _summary(measurements, stars, n_known=len(numbering.known["star_id"]), n_kept=numbering.n_kept)


def _load(connection: Connection) -> Measurements:
    names = matching.survey_names(connection)
    columns = matching.observations(connection)
    present = sorted(names[number] for number in np.unique(columns["survey_id"]).tolist())
    number_of = {name: number for number, name in names.items()}
    survey_ids = np.array([number_of[name] for name in present], np.int64)
    place = np.zeros(max(names, default=0) + 1, np.int64)
    place[survey_ids] = np.arange(len(present))
    rows = Observations(
        place[columns.pop("survey_id")],
        *(columns.pop(name) for name in (*_IDENTIFIERS, "ra", "dec")),
        *(columns.pop(name).astype(np.float64) for name in ("epoch_jyear", "pm_ra_cosdec_masyr", "pm_dec_masyr")),
    )
    rows, rounded = without_rounded_ids(rows)
    order = canonical_order(rows)
    others = {name: columns.pop(name)[order] for name in ("measurement_id", *_MAGNITUDES)}
    return Measurements(
        rows.taken(order), rounded[order], others.pop("measurement_id"), others, survey_ids, tuple(present)
    )


def _radius_of(surveys: tuple[str, ...], radii: Mapping[str, float]) -> Floats:
    missing = [survey for survey in surveys if survey not in radii]
    if missing:
        raise ParameterError("radii", f"every survey needs a match radius in arcsec, {missing[0]} has none")
    return np.array([radii[survey] for survey in surveys], np.float64)


def _resolved(measurements: Measurements, radius: Floats) -> Stars:
    rows = measurements.rows
    try:
        return resolve(rows, radius)
    except CrowdError as error:
        near = np.hypot(rows.ra - error.ra, rows.dec - error.dec) < 1 / 3600
        whose = measurements.surveys[int(np.bincount(rows.survey[near], minlength=1).argmax())]
        raise ConflictError(f"{error}, most of them of {whose}: no position has so many stars") from error


def _summary(measurements: Measurements, stars: Stars, *, n_known: int, n_kept: int) -> CrossmatchSummary:
    how = np.bincount(stars.how, minlength=3)
    surveys = measurements.surveys
    rounded = np.bincount(measurements.rows.survey[measurements.rounded], minlength=len(surveys))
    return CrossmatchSummary(
        measurements=len(measurements.rows),
        by_id=int(how[BY_ID]),
        by_position=int(how[BY_POSITION]),
        alone=int(how[ALONE]),
        ambiguous=int(stars.ambiguous.sum()),
        stars=len(stars),
        matched_stars=int((stars.n_rows > 1).sum()),
        ambiguous_stars=len(np.unique(stars.star[stars.ambiguous])),
        new_stars=len(stars) - n_kept,
        gone_stars=n_known - n_kept,
        overlaps=_overlaps(surveys, measurements.rows, stars),
        rounded_ids=tuple(RoundedIds(s, n) for s, n in zip(surveys, rounded.tolist(), strict=True) if n),
    )


def _overlaps(surveys: tuple[str, ...], rows: Observations, stars: Stars) -> tuple[Overlap, ...]:
    """Return the number of stars that each two surveys have in common, the most first."""
    seen = np.zeros(len(stars), np.int64)
    np.bitwise_or.at(seen, stars.star, np.left_shift(np.int64(1), rows.survey))
    sets, counts = np.unique(seen, return_counts=True)
    found = []
    for (i, first), (j, second) in combinations(enumerate(surveys), 2):
        both = (1 << i) | (1 << j)
        common = int(counts[(sets & both) == both].sum())
        if common:
            found.append(Overlap(first, second, common))
    return tuple(sorted(found, key=lambda one: (-one.stars, one.first, one.second)))
