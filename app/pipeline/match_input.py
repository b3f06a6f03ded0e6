"""What a cross-match looks at: measurements that are present or were matched, with the stars that they belonged to."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.damage import without
from app.science.crossmatch.observations import Observations, canonical_order
from app.storage import matching


@dataclass(frozen=True)
class Measurements:
    """n measurements, and the surveys (by name, with their numbers) that they are of.

    Attributes:
        rows: what the surveys say.
        rounded: (n,) whether a Gaia id lost its last digits, and is left aside.
        measurement_id: (n,) numbers.
        magnitudes: (n,) by band.
        present: (n,) whether the file of a row was not replaced.
        star: (n,) the star that a row belonged to before, 0 for none.
        how: (n,) how it had been found.
        ambiguous: (n,) whether it was flagged.
        survey_ids: (s,) numbers of the surveys.
        surveys: their names, in order.
    """

    rows: Observations
    rounded: Booleans
    measurement_id: Integers
    magnitudes: dict[str, Floats]
    present: Booleans
    star: Integers
    how: Integers
    ambiguous: Booleans
    survey_ids: Integers
    surveys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, which: Integers) -> Measurements:
        """Return some measurements, in this order."""
        plain = ("rounded", "measurement_id", "present", "star", "how", "ambiguous")
        return replace(
            self,
            rows=self.rows.taken(which),
            magnitudes={band: values[which] for band, values in self.magnitudes.items()},
            **{name: getattr(self, name)[which] for name in plain},
        )

    def in_order(self, which: Booleans) -> Integers:
        """Return the canonical order of the measurements that are marked (n,)."""
        marked = np.flatnonzero(which)
        return marked[canonical_order(self.rows.taken(marked))]

    def without_ids(self, dr3: Booleans, dr2: Booleans) -> Measurements:
        """Return the measurements without the Gaia ids that are marked (n,) as rounded."""
        return replace(self, rows=without(self.rows, dr3, dr2), rounded=dr3 | dr2)


@dataclass(frozen=True)
class Outcome:
    """What became of n measurements: survey, number of the star, way, ambiguity, rounded ids, and whether present."""

    survey: Integers
    star: Integers
    how: Integers
    ambiguous: Booleans
    rounded: Booleans
    present: Booleans

    @classmethod
    def of(cls, measurements: Measurements) -> Outcome:
        """Return what had become of measurements before."""
        one = measurements
        return cls(one.rows.survey, one.star, one.how, one.ambiguous, one.rounded, one.present)

    def put(self, which: Integers, star: Integers, how: np.ndarray[Any, Any], ambiguous: Booleans) -> None:
        """Write down what became of some."""
        self.star[which], self.how[which], self.ambiguous[which] = star, how, ambiguous

    def of_present(self) -> Outcome:
        """Return what became of those that are present."""
        if self.present.all():
            return self
        return Outcome(*(getattr(self, one.name)[self.present] for one in fields(self)))


def load(connection: Connection) -> tuple[Measurements, int]:
    """Return all measurements that are present or belong to a star, in no particular order, with all their Gaia ids.

    The second number is how many matches are of measurements that are no more.
    """
    names = matching.survey_names(connection)
    columns = matching.observations(connection)
    known = sorted(names[number] for number in np.unique(columns["survey_id"]).tolist())
    number_of = {name: number for number, name in names.items()}
    survey_ids = np.array([number_of[name] for name in known], np.int64)
    place = np.zeros(max(names, default=0) + 1, np.int64)
    place[survey_ids] = np.arange(len(known))
    columns["survey"] = place[columns.pop("survey_id")]
    for name in ("epoch_jyear", "pm_ra_cosdec_masyr", "pm_dec_masyr"):
        columns[name] = columns[name].astype(np.float64)
    rows = Observations(**{one.name: columns.pop(one.name) for one in fields(Observations)})
    ids, present = columns.pop("measurement_id"), columns.pop("present")
    matched, n_lost = _matches(connection, ids)
    nothing = np.zeros(len(rows), np.bool_)
    return Measurements(
        rows, nothing, ids, columns, present, **matched, survey_ids=survey_ids, surveys=tuple(known)
    ), n_lost


def _matches(connection: Connection, measurement_id: Integers) -> tuple[dict[str, Any], int]:
    """Return star, way and ambiguity (n,) of each measurement, 0 for none; and how many matches are of none."""
    matches = matching.matches(connection)
    order = np.argsort(matches["measurement_id"])
    ids = np.append(matches["measurement_id"][order], 0)
    place = np.searchsorted(ids[:-1], measurement_id)
    found = ids[place] == measurement_id
    names = {"star": "star_id", "how": "how", "ambiguous": "ambiguous"}
    columns = {
        name: np.where(found, np.append(matches[column][order], 0)[place], 0).astype(matches[column].dtype)
        for name, column in names.items()
    }
    return columns, len(order) - int(found.sum())
