"""The stars of a version of which external scales speak: which they are, and what each survey says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.quantities import PARAMETERS
from app.domain.versions import Version
from app.pipeline.external_tables import BENCHMARKS, GLOBULAR, MEMBERS, SEISMOLOGY
from app.science.arrays import Integers
from app.science.calibration.split import TEST
from app.science.validation.identification import Identified, identify
from app.science.validation.seen import Seen, seen
from app.storage import frames, references
from app.storage.references import Columns

COMBINED = "combined"
RADIUS_ARCSEC = 2.0
"""How far apart a position may be: 16 years at the 0.12 arcsec/yr of the Hyades, the fastest cluster."""
RING_DEG = (0.5, 1.0)
Report = dict[str, Any]


@dataclass(frozen=True)
class ExternalSky:
    """What a version says of the stars that external scales speak of.

    Attributes:
        surveys: by name, each survey's stars; `combined` is the product.
        identified: by source, which of our stars its objects are.
        rings: by globular cluster, the stars around its centre.
        zero_points: the version's covariance of zero points; None where it states none.
        seed: of the version, for bootstrap errors.
    """

    surveys: dict[str, Seen]
    identified: dict[str, Identified]
    rings: dict[str, Columns]
    zero_points: Mapping[str, Any] | None
    seed: int

    def rng(self) -> np.random.Generator:
        """Return the generator that every comparison starts from anew: one result does not depend on another."""
        return np.random.default_rng(self.seed)

    @property
    def own(self) -> list[str]:
        """Names of the surveys, without the product."""
        return [name for name in self.surveys if name != COMBINED]

    def training(self, star: Integers) -> Report:
        """Count, by survey, the stars that took part in training or the conformal step, and those that did not."""
        tests = {name: survey.among(star).test for name, survey in self.surveys.items()}
        return {
            name: {"test": int(test.sum()), "training_or_conformal": int((~test).sum())}
            for name, test in tests.items()
            if len(test)
        }

    def matching(self, found: Identified) -> Report:
        """Say how many objects were found among our stars, and how."""
        return {
            "state": "compared" if len(found.star) else "no star in common",
            "stars": len(found.star),
            "by_identifier": found.by_id,
            "by_position": found.by_position,
            "undecided": found.undecided,
        }


def load_sky(connection: Connection, version: Version, loaded: Iterable[str]) -> ExternalSky:
    """Identify the objects of the reference tables that are loaded, and read what a version says of them."""
    sources = set(loaded)
    found = {
        source: _identified(connection, version.version_id, source)
        for source in (BENCHMARKS, SEISMOLOGY, MEMBERS)
        if source in sources
    }
    rings = _rings(connection, version.version_id) if GLOBULAR in sources else {}
    parts = [*(one.star for one in found.values()), *(ring["star_id"] for ring in rings.values())]
    stars: list[int] = np.unique(np.concatenate([np.zeros(0, np.int64), *parts])).tolist()
    return ExternalSky(
        surveys=_surveys(connection, version.version_id, stars),
        identified=found,
        rings=rings,
        zero_points=version.metrics.get("zero_points"),
        seed=version.seed,
    )


def _identified(connection: Connection, version_id: int, source: str) -> Identified:
    """Return which of our stars the objects of a reference table are."""
    radius = 2 * RADIUS_ARCSEC
    if source == MEMBERS:
        candidates = references.candidates_for_members(connection, version_id, radius_arcsec=radius)
    else:
        candidates = references.candidates_for_stars(connection, source, version_id, radius_arcsec=radius)
    return identify(
        candidates["row_number"],
        candidates["star_id"],
        candidates["by_id"],
        candidates["separation_arcsec"],
        candidates["other_id"],
        radius_arcsec=RADIUS_ARCSEC,
    )


def _rings(connection: Connection, version_id: int) -> dict[str, Columns]:
    """Return the stars around the centre of each globular cluster."""
    around = references.around_clusters(connection, "globular", version_id, radius_deg=RING_DEG[1])
    names, place = np.unique(around["cluster"].astype(str), return_inverse=True)
    return {
        name: {column: values[place == k] for column, values in around.items()} for k, name in enumerate(names.tolist())
    }


def _surveys(connection: Connection, version_id: int, stars: list[int]) -> dict[str, Seen]:
    """Return what each survey says of these stars, and what they have combined; what the plan does not use is NaN."""
    rows = references.calibrated_rows(connection, version_id, stars)
    names = {number: name for name, number in frames.surveys_with_measurements(connection).items()}
    raw, value, lower, upper, weight = (
        np.column_stack([rows[f"{parameter}{part}"] for parameter in PARAMETERS]).astype(np.float64)
        for part in ("_raw", "", "_lower", "_upper", "_weight")
    )
    used = ((rows["excluded"][:, None] >> np.arange(3)) & 1 == 0) & (np.nan_to_num(weight) > 0)
    test = rows["split"] == TEST
    surveys = {}
    for number in np.unique(rows["survey_id"]).tolist():
        mine = rows["survey_id"] == number
        parts = (column[mine] for column in (rows["star_id"], test, raw, value, 0.5 * (upper - lower), used))
        surveys[names[number]] = seen(*parts)
    surveys[COMBINED] = _combined(references.homogenized_rows(connection, version_id, stars), surveys)
    return surveys


def _combined(rows: Columns, surveys: Mapping[str, Seen]) -> Seen:
    """Return combined values; what stood there before is the plain mean of what the surveys reported."""
    value, lower, upper = (
        np.column_stack([rows[f"{parameter}{part}"] for parameter in PARAMETERS]).astype(np.float64)
        for part in ("", "_lower", "_upper")
    )
    star: Integers = rows["star_id"]
    total, count = np.zeros((len(star), 3)), np.zeros((len(star), 3))
    for one in surveys.values():
        place = np.searchsorted(star, one.star)
        total[place] += np.nan_to_num(one.raw)
        count[place] += np.isfinite(one.raw)
    with np.errstate(invalid="ignore"):
        raw = total / count
    value = np.where(count > 0, value, np.nan)
    return Seen(star, raw, value, 0.5 * (upper - lower), np.asarray(rows["split"] == TEST))
