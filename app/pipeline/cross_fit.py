"""Validation by cross-fitting: every common star judged by models that were fitted without its fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.calibrate import each_in, load_alignment, network_survey
from app.pipeline.models import load_models
from app.pipeline.progress import Progress, silent
from app.pipeline.validation_parts import all_pairs
from app.science.calibration.fitting import Each
from app.science.calibration.frame import Frame
from app.science.calibration.links import folds_of
from app.science.calibration.plan import parse_plan
from app.science.calibration.stages import Alignment, Ascent
from app.science.calibration.survey_model import Calibrated, SurveyModel, nothing_calibrated
from app.science.validation.cross_fit import FOLDS, cross_fit
from app.science.validation.pairs import SurveyValues, one_per_star
from app.storage import frames, versions
from app.storage.engine import Database

CROSS_FITTED = "every common star, judged by models fitted without its fold"


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
    known = {
        name: _values(alignment.frames[name], model.calibrate_frame(alignment.frames[name]))
        for name, model in models.items()
    }
    pairs, earlier = [], list(alignment.anchors())
    for name, calibrated in _refitted(alignment, models, jobs, progress).items():
        values = known | {name: _values(alignment.frames[name], calibrated)}
        pairs += [pair for pair in all_pairs([*earlier, name], values, seed=plan.seed) if pair.survey == name]
        earlier.append(name)
    return {"stars": CROSS_FITTED, "pairs": [pair.as_mapping() for pair in pairs]}


def _refitted(
    alignment: Alignment, models: Mapping[str, SurveyModel], jobs: int, progress: Progress
) -> dict[str, Calibrated]:
    """Return each survey's values by models without the star's fold; the scale itself stays the version's."""
    found: dict[str, Calibrated] = {}
    ascent = Ascent(alignment, dict(models))
    with each_in(alignment, jobs) as each:
        for _, names in ascent.stages():
            for name in names:
                progress(len(found), len(models))
                if name in models:
                    found[name] = _alone(alignment, name, each)
    weak = [name for name in ascent.weak if name in models]
    return found | _together(alignment, weak)


def _alone(alignment: Alignment, name: str, each: Each) -> Calibrated:
    frame, plan = alignment.frames[name], alignment.plan
    return cross_fit(
        alignment.links(name),
        frame.minus,
        frame.plus,
        plan.identity(name),
        plan.fit,
        own_error=alignment.own_errors[name],
        each=each,
    )


def _together(alignment: Alignment, weak: list[str]) -> dict[str, Calibrated]:
    """Return the values of the surveys of the network, which is fitted without the stars of each fold."""
    found = {name: nothing_calibrated(len(alignment.frames[name].star)) for name in weak}
    if not weak:
        return found
    stars = np.unique(np.concatenate([alignment.frames[name].star for name in weak]))
    for fold in range(FOLDS):
        network = alignment.network(weak, without=stars[folds_of(stars, FOLDS) == fold])
        for name in network.names:
            frame = alignment.frames[name]
            judged = folds_of(frame.star, FOLDS) == fold
            part = network_survey(network, name, alignment).model.calibrate_frame(frame.where(judged))
            found[name].put(judged, part)
    return found


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
