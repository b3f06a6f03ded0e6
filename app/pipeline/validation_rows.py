"""What validation reads from a version: test stars survey by survey, and samples for diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.quantities import PARAMETERS
from app.domain.versions import Version
from app.science.arrays import Booleans, Floats
from app.science.calibration.plan import Plan, parse_plan
from app.science.validation.stars import SurveyStars, first_per_star, mean_per_star, spectra_of
from app.storage import frames, versions

MOST_IN_A_DIAGRAM = 20_000
"""Measurements of one survey in its Kiel diagram."""


@dataclass(frozen=True)
class TestStars:
    """The test stars of a version, surveys in the order of alignment.

    Attributes:
        plan: the version's plan.
        means: stars with two surveys or more, their spectra averaged, by survey.
        firsts: the same stars by their first spectrum.
        kiel_before: Teff (K), log g, [Fe/H] as reported, of a sample of all test stars, (m, 3) by survey.
        kiel_after: the same measurements calibrated, (m, 3).
        zero_points: covariance of the surveys' zero points in the order of `means`, (3, s, s), None where not known.
    """

    plan: Plan
    means: dict[str, SurveyStars]
    firsts: dict[str, SurveyStars]
    kiel_before: dict[str, Floats]
    kiel_after: dict[str, Floats]
    zero_points: Floats | None


def load_test_stars(connection: Connection, version_id: int) -> TestStars:
    """Return what a version says of its test stars.

    Raises:
        UnknownVersionError: there is no such version.
    """
    version = versions.get(connection, version_id)
    plan = parse_plan(version.plan, file=f"version {version_id}")
    present = frames.surveys_with_measurements(connection)
    numbers = {name: present[name] for name in alignment_order(plan) if name in present}
    rows = frames.validation_rows(connection, version_id)
    spectra = {name: _spectra(rows, rows["survey_id"] == number) for name, number in numbers.items()}
    sample = frames.kiel_rows(connection, version_id, most=MOST_IN_A_DIAGRAM)
    whose = {name: sample["survey_id"] == number for name, number in numbers.items()}
    return TestStars(
        plan=plan,
        means={name: mean_per_star(part) for name, part in spectra.items()},
        firsts={name: first_per_star(part) for name, part in spectra.items()},
        kiel_before={name: _three(sample, "_raw", mine) for name, mine in whose.items()},
        kiel_after={name: _three(sample, "", mine) for name, mine in whose.items()},
        zero_points=zero_points(version, list(numbers)),
    )


def alignment_order(plan: Plan) -> list[str]:
    """Return the surveys of a plan, those that define the scale first."""
    aligned = [survey for stage in plan.stages for survey in stage.surveys]
    return [name for name in plan.reference_surveys if name not in aligned] + aligned


def zero_points(version: Version, surveys: list[str]) -> Floats | None:
    """Return the covariance of the surveys' zero points from a version's metrics, (3, s, s); None where not kept."""
    kept = version.metrics.get("zero_points")
    if not kept:
        return None
    places = {name: place for place, name in enumerate(kept["surveys"])}
    covariance = np.zeros((3, len(surveys), len(surveys)))
    known = [s for s, name in enumerate(surveys) if name in places]
    theirs = [places[surveys[s]] for s in known]
    for p, parameter in enumerate(PARAMETERS):
        matrix = np.asarray(kept[str(parameter)], dtype=np.float64)
        covariance[p][np.ix_(known, known)] = np.nan_to_num(matrix[np.ix_(theirs, theirs)])
    return covariance


def _spectra(rows: Mapping[str, Any], mine: Booleans) -> SurveyStars:
    value = _three(rows, "", mine)
    excluded = rows["excluded"][mine].astype(np.int64)
    return spectra_of(
        rows["star_id"][mine].astype(np.int64),
        _three(rows, "_raw", mine),
        value,
        value - _three(rows, "_lower", mine),
        _three(rows, "_upper", mine) - value,
        used=np.column_stack([(excluded >> p) & 1 == 0 for p in range(len(PARAMETERS))]),
        in_domain=rows["in_domain"][mine],
        snr=rows["snr"][mine].astype(np.float64),
        magnitude=rows["magnitude"][mine].astype(np.float64),
    )


def _three(rows: Mapping[str, Any], suffix: str, mine: Booleans) -> Floats:
    return np.column_stack([rows[f"{parameter}{suffix}"][mine] for parameter in PARAMETERS]).astype(np.float64)
