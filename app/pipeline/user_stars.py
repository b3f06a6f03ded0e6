"""What a version knows of the stars in a user's table: combined values, split, and which surveys are behind them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.quantities import PARAMETERS
from app.pipeline.validation_rows import zero_points
from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.combined_scale import combined_scale
from app.science.calibration.frame import Frame
from app.science.calibration.network_scale import ScaleError
from app.science.calibration.scale import ReferenceScale
from app.science.combination.stars import AMBIGUOUS
from app.science.validation.identical import repeated
from app.storage import frames, user_surveys, versions

WANTED = ("star_id", *(f"{p}{part}" for p in PARAMETERS for part in ("", "_lower", "_upper", "_flags")))
"""Columns of the catalogue that are needed of a star."""
FEWEST_REPEATED = 3
"""Rows that repeat a survey's values before it is said: fewer may be chance."""
Arrays = Mapping[str, np.ndarray[Any, np.dtype[Any]]]


@dataclass(frozen=True)
class KnownStars:
    """What a version knows of the star of each of n rows.

    Attributes:
        star: number of the star, 0 where none was found, (n,).
        split: 0 train, 1 conformalize, 2 test, -1 for no star, (n,).
        separation_arcsec: from the row's position, NaN for no star or where identifiers were matched, (n,).
        candidates: stars within the radius, 0 for none, (n,).
        value: combined Teff (K), log g, [Fe/H], NaN where there is none, (n, 3).
        minus: down to the lower end of its 68 % interval, (n, 3).
        plus: up to the upper end, (n, 3).
        linked: rows whose star ties the table to the scale: found without a rival, with all three values, (n,).
        scale: the combined values as a scale.
        common: what is uncertain in it as a whole.
        repeats: by survey, rows of its stars, and how many of them repeat its values.
    """

    star: Integers
    split: Integers
    separation_arcsec: Floats
    candidates: Integers
    value: Floats
    minus: Floats
    plus: Floats
    linked: Booleans
    scale: ReferenceScale
    common: ScaleError
    repeats: dict[str, tuple[int, int]]

    @property
    def links(self) -> int:
        """How many different stars tie the table to the scale."""
        return len(np.unique(self.star[self.linked]))


def dump_found(found: Arrays) -> bytes:
    """Return what a match has found as bytes."""
    kept = io.BytesIO()
    np.savez(kept, allow_pickle=False, **found)
    return kept.getvalue()


def load_found(content: bytes) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Return what `dump_found` has kept."""
    with np.load(io.BytesIO(content)) as kept:
        return {name: kept[name] for name in kept.files}


def known_stars(connection: Connection, version_id: int, frame: Frame, found: Arrays) -> KnownStars:
    """Return what a version knows of the stars of a table.

    Args:
        connection: to read from.
        version_id: a complete version.
        frame: the rows of the table, (n,).
        found: `place` of each row that has a star, with the columns `WANTED` of the star and, where positions were
            matched, `separation_arcsec` and `n_candidates`.
    """
    n, place = len(frame.star), found["place"].astype(np.int64)
    star = np.zeros(n, dtype=np.int64)
    star[place] = found["star_id"]
    candidates = np.zeros(n, dtype=np.int64)
    candidates[place] = found.get("n_candidates", np.ones(len(place), dtype=np.int64))
    ambiguous = np.zeros(n, dtype=bool)
    ambiguous[place] = np.any([found[f"{p}_flags"] & AMBIGUOUS for p in PARAMETERS], axis=0) if len(place) else False
    value, lower, upper = (_three(found, place, n, ending) for ending in ("", "_lower", "_upper"))
    stars = np.unique(star[star > 0])
    behind = _Behind.load(connection, version_id, stars)
    own = np.isfinite(value).all(axis=1) & np.isfinite(upper - lower).all(axis=1)
    linked = own & (candidates == 1) & ~ambiguous & frame.used.all(axis=1)
    whose, first = np.unique(star[own], return_index=True)
    scale, common = combined_scale(
        whose,
        value[own][first],
        0.5 * (upper - lower)[own][first],
        behind.shares[np.searchsorted(stars, whose)],
        behind.names,
        behind.covariance,
    )
    return KnownStars(
        star=star,
        split=np.where(star > 0, behind.split_of(star), -1),
        separation_arcsec=_one(found.get("separation_arcsec"), place, n),
        candidates=candidates,
        value=value,
        minus=value - lower,
        plus=upper - value,
        linked=linked,
        scale=scale,
        common=common,
        repeats=behind.repeats(star[linked], frame.reported[linked]),
    )


@dataclass(frozen=True)
class _Behind:
    """The measurements behind stars (m,): shares of surveys (m, 3, J), the zero points' covariance (3, J, J)."""

    stars: Integers
    split: Integers
    shares: Floats
    names: tuple[str, ...]
    covariance: Floats
    rows: Arrays
    surveys: Mapping[str, int]

    @classmethod
    def load(cls, connection: Connection, version_id: int, stars: Integers) -> _Behind:
        rows = user_surveys.contributions(connection, version_id, stars)
        numbers = frames.surveys_with_measurements(connection)
        present = {name: number for name, number in numbers.items() if (rows["survey_id"] == number).any()}
        names = tuple(present)
        known = zero_points(versions.get(connection, version_id), list(names))
        place = np.searchsorted(stars, rows["star_id"])
        shares = np.zeros((len(stars), 3, len(names)))
        for j, number in enumerate(present.values()):
            mine = rows["survey_id"] == number
            for p, parameter in enumerate(PARAMETERS):
                weight = np.nan_to_num(rows[f"{parameter}_weight"][mine].astype(np.float64))
                shares[:, p, j] = np.bincount(place[mine], weight, minlength=len(stars))
        total = shares.sum(axis=2, keepdims=True)
        split = np.zeros(len(stars), dtype=np.int64)
        split[place] = rows["split"]
        return cls(
            stars=stars,
            split=split,
            shares=shares / np.where(total > 0, total, 1.0),
            names=names,
            covariance=np.zeros((3, len(names), len(names))) if known is None else known,
            rows=rows,
            surveys=present,
        )

    def split_of(self, star: Integers) -> Integers:
        """Return the split of stars (n,); of those that are not there, anything."""
        if not len(self.stars):
            return np.zeros(len(star), dtype=np.int64)
        return self.split[np.clip(np.searchsorted(self.stars, star), 0, len(self.stars) - 1)]

    def repeats(self, star: Integers, reported: Floats) -> dict[str, tuple[int, int]]:
        """Return by survey how many rows are of its stars, and how many of these repeat its values, where some do."""
        values = np.column_stack([self.rows[str(p)] for p in PARAMETERS]).astype(np.float64)
        found = {}
        for name, number in self.surveys.items():
            mine = self.rows["survey_id"] == number
            of_survey, same = repeated(star, reported, self.rows["star_id"][mine], values[mine])
            if same.sum() >= FEWEST_REPEATED:
                found[name] = (int(of_survey.sum()), int(same.sum()))
        return found


def _three(found: Arrays, place: Integers, n: int, ending: str) -> Floats:
    return np.column_stack([_one(found[f"{p}{ending}"], place, n) for p in PARAMETERS])


def _one(column: np.ndarray[Any, Any] | None, place: Integers, n: int) -> Floats:
    values = np.full(n, np.nan)
    if column is not None:
        values[place] = column
    return values


def matches_of(known: KnownStars, frame: Frame) -> dict[str, Any]:
    """Return the counts of a match, as JSON."""
    linked, star = known.linked, known.star
    parts = {"train": 0, "conformalize": 1, "test": 2}
    apart = known.separation_arcsec[np.isfinite(known.separation_arcsec)]
    return {
        "rows": len(star),
        "usable": int(frame.used.all(axis=1).sum()),
        "matched": int((star > 0).sum()),
        "ambiguous": int((known.candidates > 1).sum()),
        "linked": int(linked.sum()),
        "stars": known.links,
        "stars_by_split": {name: len(np.unique(star[linked & (known.split == part)])) for name, part in parts.items()},
        "median_separation_arcsec": round(float(np.median(apart)), 4) if len(apart) else None,
        "repeats": [{"survey": name, "rows": rows, "identical": same} for name, (rows, same) in known.repeats.items()],
    }
