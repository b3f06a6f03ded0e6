"""The validation stage: a version is judged on stars that no model has seen, and by what lies outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.calibrate import each_in, load_alignment
from app.pipeline.external import external_report
from app.pipeline.homogenize import load_models
from app.pipeline.progress import Progress, silent
from app.pipeline.validation_figures import draw_all
from app.pipeline.validation_parts import all_pairs, coverage_rows, kiel_section, trend_rows, values_of
from app.pipeline.validation_rows import load_test_stars
from app.science.calibration.frame import Frame
from app.science.calibration.plan import parse_plan
from app.science.calibration.stages import Alignment
from app.science.calibration.survey_model import Calibrated, SurveyModel
from app.science.validation.cross_fit import cross_fit
from app.science.validation.pairs import PairResult, SurveyValues, one_per_star
from app.science.validation.pulls import pulls_by_subset
from app.science.validation.report import assemble
from app.storage import frames, versions
from app.storage.engine import Database

TEST_STARS = "test split: neither fitted nor used in the conformal step"
CROSS_FITTED = "every common star, judged by models fitted without its fold"


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


def validate_by_cross_fit(
    database: Database, version_id: int, *, jobs: int = 1, progress: Progress = silent
) -> dict[str, Any]:
    """Judge every common star by models that never saw it; nothing is stored, the version's own models stay."""
    with database.connect() as connection:
        plan = parse_plan(versions.get(connection, version_id).plan, file=f"version {version_id}")
        numbers = frames.surveys_with_measurements(connection)
        by_number = load_models(connection, version_id)
    models = {name: by_number[number] for name, number in numbers.items() if number in by_number}
    alignment = load_alignment(database, plan)
    pairs = _cross_fitted_pairs(alignment, models, jobs, progress)
    return {"stars": CROSS_FITTED, "pairs": [pair.as_mapping() for pair in pairs]}


def _cross_fitted_pairs(
    alignment: Alignment, models: Mapping[str, SurveyModel], jobs: int, progress: Progress
) -> list[PairResult]:
    plan, pairs = alignment.plan, []
    known = {name: _values(alignment.frames[name], _apply(alignment.frames[name], models[name])) for name in models}
    stages = list(alignment.stages())
    total, done = sum(len(stage) for stage in stages), 0
    earlier = list(alignment.anchors())
    with each_in(alignment, jobs) as each:
        for stage in stages:
            for name in stage:
                done += 1
                progress(done, total)
                if name not in models:
                    continue
                frame = alignment.frames[name]
                calibrated = cross_fit(
                    alignment.links(name),
                    frame.minus,
                    frame.plus,
                    plan.identity(name),
                    plan.fit,
                    own_error=alignment.own_errors[name],
                    each=each,
                )
                mine = _values(frame, calibrated)
                values = known | {name: mine}
                pairs += [pair for pair in all_pairs([*earlier, name], values, seed=plan.seed) if pair.survey == name]
            for name in stage:
                if name in models:
                    alignment.add(name, models[name])
                    earlier.append(name)
    return pairs


def _apply(frame: Frame, model: SurveyModel) -> Calibrated:
    return model.calibrate(frame.reported, frame.nuisance(model.space.nuisance), frame.minus, frame.plus)


def _values(frame: Frame, calibrated: Calibrated) -> dict[str, SurveyValues]:
    return {
        str(parameter): one_per_star(
            frame.star,
            frame.reported[:, p],
            calibrated.value[:, p],
            0.5 * (calibrated.minus + calibrated.plus)[:, p],
            calibrated.in_domain,
            frame.used[:, p],
        )
        for p, parameter in enumerate(PARAMETERS)
    }
