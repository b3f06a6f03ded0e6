"""The validation stage: a version is judged on stars that no model has seen, and by what lies outside of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.pipeline.external import external_report
from app.pipeline.validation_figures import draw_all
from app.pipeline.validation_parts import all_pairs, coverage_rows, kiel_section, trend_rows, values_of
from app.pipeline.validation_rows import load_test_stars
from app.science.validation.pulls import pulls_by_subset
from app.science.validation.report import assemble
from app.storage import versions
from app.storage.engine import Database

TEST_STARS = "test split: neither fitted nor used in the conformal step"


def validate(database: Database, version_id: int) -> dict[str, Any]:
    """Judge a version on its test stars, from what is stored, and keep the report and its figures with it.

    Raises:
        UnknownVersionError: there is no such version.
    """
    with database.connect() as connection:
        test = load_test_stars(connection, version_id)
    plan, values = test.plan, values_of(test.means)
    pairs = all_pairs(list(values), values, seed=plan.seed)
    pulls = pulls_by_subset(test.firsts, rng=np.random.default_rng(plan.seed), covariance=test.zero_points)
    external, external_figures = external_report(database, version_id)
    report = assemble(
        TEST_STARS,
        pairs=[pair.as_mapping() for pair in pairs],
        trends=trend_rows(test),
        coverage=coverage_rows(test),
        pulls=pulls,
        kiel=kiel_section(test),
        external=external,
        gate=plan.gate,
    )
    figures = draw_all(test, pairs, pulls, values) | external_figures
    with database.begin() as connection:
        versions.add_report(connection, version_id, report, figures)
    return report
