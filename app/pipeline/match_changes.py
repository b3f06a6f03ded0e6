"""Which measurements a cross-match has to look at again: what came and went, and all that it can have changed.

They are gathered in a pool in the database. Every row in the pool brings those that share a name or a place with it;
every row in the neighbourhood of one that came or went brings those within reach, until nothing more comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from app.pipeline.match_counts import Counts, added, id_counts, rounded_surveys, star_counts, without_rounded
from app.pipeline.match_input import Measurements
from app.science.arrays import Booleans, Floats
from app.science.crossmatch.cells import ranges_around
from app.science.crossmatch.pairs import CrowdError
from app.science.crossmatch.reach import SLACK_ARCSEC, neighbourhoods
from app.storage import matching
from app.storage.matching import Columns, File, MadeOf

LARGEST_SHARE = 0.12
"""Where more than this share of all measurements has to be looked at, it is quicker to match all of them."""

SLOW_ARCSEC_PER_YEAR = 0.51
"""More than the motion of any star that the pool does not hold from the start (`fast` in the database: 0.5)."""

ASKED_FOR = "asked for"
NOTHING_BEFORE = "nothing was matched before"
OTHER_RULES = "the rules of the cross-match have changed"
OTHER_RADIUS = "the match radius of {} has changed"
OTHER_ROWS = "measurements were changed or deleted"
OTHER_STARS = "stars or matches are not those that the last cross-match made"
OTHER_JUDGEMENT = "the Gaia ids of {} are taken for rounded now, or no longer"
LARGE = "too large a part is new or gone, or may have changed"
CROWD = "many measurements lie at one place"


@dataclass(frozen=True)
class Part:
    """The measurements that are to be matched anew.

    Attributes:
        measurements: those that are present, without rounded Gaia ids, in no particular order.
        looked_at: how many there are, with those that are gone.
        why_full: why these are all measurements; None where they are a part, which is then marked in the database.
        counts: what adds up over all others.
        first_epoch: of all measurements that are or were there, Julian year.
        last_epoch: likewise.
    """

    measurements: Measurements
    looked_at: int
    why_full: str | None
    counts: Counts
    first_epoch: float
    last_epoch: float


class _AllError(Exception):
    """A part will not do; says why."""


def part_to_match(
    connection: Connection,
    earlier: MadeOf | None,
    edition: int,
    radii: Mapping[str, float],
    files: list[File],
    *,
    full: bool,
) -> Part:
    """Return the measurements that a cross-match of everything could treat otherwise than before, or all of them.

    Args:
        connection: in the transaction of the cross-match.
        earlier: what the stars that are there were made of.
        edition: of the rules.
        radii: match radius of every survey in arcsec.
        files: that measurements are of.
        full: whether to return all, whatever came and went.
    """
    if full:
        return _everything(connection, ASKED_FOR)
    if earlier is None:
        return _everything(connection, NOTHING_BEFORE)
    try:
        _check(connection, earlier, edition, radii, files)
        known = {(survey, ingestion) for survey, ingestion, _ in earlier.files}
        new = [one for one in files if not one.superseded and (one.survey_id, one.ingestion_id) not in known]
        gone = [one for one in files if one.superseded and (one.survey_id, one.ingestion_id) in known]
        most = LARGEST_SHARE * sum(one.n_rows for one in files if not one.superseded)
        _limit(sum(one.n_rows for one in (*new, *gone)), most)
        return _Pool(connection, earlier, radii, new, gone, most).part()
    except CrowdError:
        return _everything(connection, CROWD)
    except _AllError as error:
        return _everything(connection, str(error))


def _everything(connection: Connection, why: str) -> Part:
    measurements = Measurements.of(matching.observations(connection), matching.survey_names(connection))
    counts = id_counts(measurements)
    epochs = measurements.rows.epoch_jyear
    first, last = float(epochs.min(initial=np.inf)), float(epochs.max(initial=-np.inf))
    return Part(without_rounded(measurements, counts), len(measurements), why, counts, first, last)


def _check(
    connection: Connection, earlier: MadeOf, edition: int, radii: Mapping[str, float], files: list[File]
) -> None:
    """Raise where the stars that are there say nothing of those to be made."""
    if earlier.edition != edition:
        raise _AllError(OTHER_RULES)
    for survey, radius in radii.items():
        if earlier.radii.get(survey, radius) != radius:
            raise _AllError(OTHER_RADIUS.format(survey))
    if not earlier.files <= {(one.survey_id, one.ingestion_id, one.n_rows) for one in files}:
        raise _AllError(OTHER_ROWS)
    n_rows = sum(n for _, _, n in earlier.files)
    if matching.count_stars(connection) != (n_rows, earlier.counts.get("stars", 0), n_rows):
        raise _AllError(OTHER_STARS)


def _limit(rows: int, most: float) -> None:
    if rows > most:
        raise _AllError(LARGE)


@dataclass
class _Pool:
    """Measurements around those that came or went."""

    connection: Connection
    earlier: MadeOf
    radii: Mapping[str, float]
    new: list[File]
    gone: list[File]
    most: float
    step: int = 0
    columns: Columns = field(default_factory=dict)

    def part(self) -> Part:
        """Let the pool grow until it holds all that can have changed, and take that out."""
        self.names = matching.survey_names(self.connection)
        # A star is where its name is: a new row that has it can take the star's number away from rows anywhere.
        self.named = matching.named_stars(self.connection, self.new)
        self._put(matching.seed_pool(self.connection, [*self.new, *self.gone], self.named))
        self._judge()
        searched = np.zeros(0)
        while True:
            measurements, affected, reach = self._neighbourhood()
            searched = np.concatenate([searched, np.zeros(len(reach) - len(searched))])
            further = reach > searched
            if not further.any() or not (self.new or self.gone):
                return self._taken(measurements, affected)
            searched[further] = reach[further]
            rows = measurements.rows.taken(further)
            self.step += 1
            spans = ranges_around(rows.ra, rows.dec, reach[further])
            self._put(matching.grow_pool(self.connection, self.step, *spans))

    def _put(self, columns: Columns) -> None:
        if not self.columns:
            self.columns = columns
        elif len(columns["ra"]):
            self.columns = {name: np.concatenate([values, columns[name]]) for name, values in self.columns.items()}
        _limit(len(self.columns["ra"]), self.most)

    def _measurements(self) -> Measurements:
        return Measurements.of(dict(self.columns), self.names)

    def _judge(self) -> None:
        """Judge the Gaia ids of whole surveys by what is known of them, and of the rows that came and went."""
        measurements = self._measurements()
        came, went = _came(measurements), _went(measurements)
        news = [(1, id_counts(measurements.taken(came))), (-1, id_counts(measurements.taken(went)))]
        self.counts = added(self.earlier.counts, *news)
        for kind in ("dr3", "dr2"):
            before, now = (
                rounded_surveys(one, kind, measurements.surveys) for one in (self.earlier.counts, self.counts)
            )
            for place in np.flatnonzero(before != now).tolist():
                survey = measurements.surveys[place]
                if self.earlier.counts.get(f"bits {kind} {survey}", 0):
                    raise _AllError(OTHER_JUDGEMENT.format(survey))
        epochs = measurements.rows.epoch_jyear
        self.first_epoch = float(epochs.min(initial=self.earlier.first_epoch))
        self.last_epoch = float(epochs.max(initial=self.earlier.last_epoch))

    def _neighbourhood(self) -> tuple[Measurements, Booleans, Floats]:
        """Return the pool, which rows (n,) something that came or went can have changed, and how far to search."""
        measurements = without_rounded(self._measurements(), self.counts)
        rows = measurements.rows
        radius = np.array([self.radii[survey] for survey in measurements.surveys])[rows.survey]
        around = neighbourhoods(rows, radius, measurements.star)
        seeds = _came(measurements) | _went(measurements) | np.isin(measurements.star, self.named)
        affected = np.isin(around.home, around.home[seeds])
        years = np.maximum(self.last_epoch - rows.epoch_jyear, rows.epoch_jyear - self.first_epoch)
        drift = np.maximum(around.fastest_arcsec_per_year, SLOW_ARCSEC_PER_YEAR) * years
        reach = np.where(affected, max(self.radii.values(), default=0.0) + drift, 0.0) + SLACK_ARCSEC
        return measurements, affected, reach

    def _taken(self, measurements: Measurements, affected: Booleans) -> Part:
        before = measurements.taken(affected & (measurements.star > 0))
        every = measurements.taken(affected)
        surveys, stars = every.survey_ids[every.rows.survey], np.union1d(before.star, self.named)
        matching.mark_affected(self.connection, surveys, every.measurement_id, stars)
        counts = added(self.counts, (-1, star_counts(before, before.star, before.how, before.ambiguous)))
        return Part(every.taken(every.present), len(every), None, counts, self.first_epoch, self.last_epoch)


def _came(measurements: Measurements) -> Booleans:
    return measurements.present & np.equal(measurements.star, 0)


def _went(measurements: Measurements) -> Booleans:
    return ~measurements.present & np.greater(measurements.star, 0)
