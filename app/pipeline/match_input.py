"""What a cross-match looks at: measurements with the stars that they belonged to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.damage import without
from app.science.crossmatch.observations import Observations, canonical_order
from app.storage.matching import Columns


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
    how: np.ndarray[Any, np.dtype[Any]]
    ambiguous: Booleans
    survey_ids: Integers
    surveys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, columns: Columns, names: Mapping[int, str]) -> Measurements:
        """Return the measurements that columns of the database hold, with all their Gaia ids.

        Args:
            columns: what `matching.observations` returns; emptied, so that nothing is held twice.
            names: of the surveys, by number.
        """
        known = sorted(names[number] for number in np.unique(columns["survey_id"]).tolist())
        number_of = {name: number for number, name in names.items()}
        survey_ids = np.array([number_of[name] for name in known], np.int64)
        place = np.zeros(max(names, default=0) + 1, np.int64)
        place[survey_ids] = np.arange(len(known))
        columns["survey"] = place[columns.pop("survey_id")]
        for name in ("epoch_jyear", "pm_ra_cosdec_masyr", "pm_dec_masyr"):
            columns[name] = columns[name].astype(np.float64)
        rows = Observations(**{one.name: columns.pop(one.name) for one in fields(Observations)})
        plain = {name: columns.pop(name) for name in ("measurement_id", "present", "star", "how", "ambiguous")}
        nothing = np.zeros(len(rows), np.bool_)
        return cls(rows, nothing, magnitudes=columns, survey_ids=survey_ids, surveys=tuple(known), **plain)

    def taken(self, which: Integers | Booleans) -> Measurements:
        """Return some measurements, in this order."""
        plain = ("rounded", "measurement_id", "present", "star", "how", "ambiguous")
        return replace(
            self,
            rows=self.rows.taken(which),
            magnitudes={band: values[which] for band, values in self.magnitudes.items()},
            **{name: getattr(self, name)[which] for name in plain},
        )

    def in_order(self) -> Measurements:
        """Return the measurements in canonical order."""
        return self.taken(canonical_order(self.rows))

    def without_ids(self, dr3: Booleans, dr2: Booleans) -> Measurements:
        """Return the measurements without the Gaia ids that are marked (n,) as rounded."""
        return replace(self, rows=without(self.rows, dr3, dr2), rounded=dr3 | dr2)
