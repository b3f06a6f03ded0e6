"""The validation stage: pairs of surveys before and after, on stars that no model has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.calibrate import each_in, load_alignment
from app.pipeline.homogenize import load_models
from app.pipeline.progress import Progress, silent
from app.science.calibration.frame import Frame
from app.science.calibration.plan import Plan, parse_plan
from app.science.calibration.stages import Alignment
from app.science.calibration.survey_model import Calibrated, SurveyModel
from app.science.figures.offsets import Panel, draw_offsets
from app.science.figures.style import render
from app.science.validation.cross_fit import cross_fit
from app.science.validation.pairs import PairResult, SurveyValues, compare, one_per_star, residuals_of
from app.storage import frames, versions
from app.storage.engine import Database

TEST_STARS = "test split: neither fitted nor used in the conformal step"
WORTH_A_FIGURE = 20
MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
CROSS_FITTED = "every common star, judged by models fitted without its fold"


def validate(database: Database, version_id: int) -> dict[str, Any]:
    """Judge a version on its test stars, from what is stored, and keep the report with it."""
    with database.connect() as connection:
        plan = parse_plan(versions.get(connection, version_id).plan, file=f"version {version_id}")
        numbers = frames.surveys_with_measurements(connection)
        rows = frames.validation_rows(connection, version_id)
    values = {
        name: {str(parameter): _stored_values(rows, number, p) for p, parameter in enumerate(PARAMETERS)}
        for name, number in numbers.items()
    }
    order = [name for name in alignment_order(plan) if name in values]
    pairs = _all_pairs(order, values, seed=plan.seed)
    report = {"stars": TEST_STARS, "pairs": [pair.as_mapping() for pair in pairs]}
    with database.begin() as connection:
        versions.add_report(connection, version_id, report, _figures(pairs, values))
    return report


def _figures(pairs: list[PairResult], values: Mapping[str, Mapping[str, SurveyValues]]) -> dict[str, tuple[bytes, str]]:
    """Return the offset figures of all pairs with enough test stars, as PNG and SVG, by file name."""
    figures = {}
    for survey, other in sorted({(pair.survey, pair.other) for pair in pairs if pair.after.n >= WORTH_A_FIGURE}):
        panels = [
            Panel(parameter, *residuals_of(values[survey][parameter], values[other][parameter]))
            for parameter in map(str, PARAMETERS)
        ]
        for kind, content in render(draw_offsets(survey, other, panels, note="test stars")).items():
            figures[f"offsets_{survey}_{other}.{kind}"] = (content, MEDIA_TYPES[kind])
    return figures


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


def alignment_order(plan: Plan) -> list[str]:
    """Return the surveys of a plan, those that define the scale first."""
    aligned = [survey for stage in plan.stages for survey in stage.surveys]
    return [name for name in plan.reference_surveys if name not in aligned] + aligned


def _stored_values(rows: Mapping[str, Any], survey_id: int, p: int) -> SurveyValues:
    name = str(PARAMETERS[p])
    mine = rows["survey_id"] == survey_id
    return one_per_star(
        rows["star_id"][mine],
        rows[f"{name}_raw"][mine].astype(np.float64),
        rows[name][mine].astype(np.float64),
        0.5 * (rows[f"{name}_upper"][mine] - rows[f"{name}_lower"][mine]).astype(np.float64),
        rows["in_domain"][mine],
        (rows["excluded"][mine] >> p) & 1 == 0,
    )


def _all_pairs(order: list[str], values: Mapping[str, Mapping[str, SurveyValues]], *, seed: int) -> list[PairResult]:
    """Compare each survey with all that stand before it: the later one is judged by the earlier one."""
    pairs = []
    for place, survey in enumerate(order):
        for other in order[:place]:
            for parameter in map(str, PARAMETERS):
                mine, theirs = values[survey][parameter], values[other][parameter]
                pair = compare(survey, other, parameter, mine, theirs, rng=np.random.default_rng(seed))
                if pair is not None:
                    pairs.append(pair)
    return pairs


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
                pairs += [pair for pair in _all_pairs([*earlier, name], values, seed=plan.seed) if pair.survey == name]
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
