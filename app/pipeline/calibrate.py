"""The calibration stage: every survey is modelled against the scale that the stages before it have built."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

from app.domain.errors import ConflictError
from app.domain.quantities import PARAMETERS
from app.pipeline.progress import Progress, silent
from app.pipeline.software import software_versions
from app.science.arrays import Floats
from app.science.calibration.bias_model import Kind
from app.science.calibration.fitting import Each, FittedSurvey, fit_survey, reference_model
from app.science.calibration.frame import Frame, frame_of
from app.science.calibration.links import Links
from app.science.calibration.plan import Plan, plan_mapping
from app.science.calibration.scale import ReferenceScale, missing_error
from app.science.calibration.serialize import dump_bias, dump_frame
from app.storage import frames, versions
from app.storage.engine import Database

SMALLEST_ERROR = np.array([20.0, 0.03, 0.02])
"""Standard errors that stand in where a survey quotes none and nothing can be learnt: K, dex, dex."""
WORTH_A_POOL = 3000


@dataclass
class Calibration:
    """A calibration in the making: frames of linked measurements, the growing scale, and what was fitted."""

    plan: Plan
    survey_ids: dict[str, int]
    frames: dict[str, Frame]
    own_errors: dict[str, Floats]
    scale: ReferenceScale
    fitted: dict[str, FittedSurvey] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def calibrate(database: Database, plan: Plan, *, jobs: int = 1, progress: Progress = silent) -> int:
    """Fit every survey of the plan that has measurements, and keep the models as a new version.

    Returns:
        The number of the version, in state `running` until its stars are homogenized.

    Raises:
        ConflictError: a reference survey of the plan has no measurements, or nothing has been cross-matched.
    """
    with database.begin() as connection:
        snapshot = frames.data_snapshot(connection)
        version_id = versions.create(
            connection, plan=plan_mapping(plan), inputs=snapshot, software=software_versions(), seed=plan.seed
        )
    try:
        calibration = _load(database, plan)
        with _each(calibration, jobs) as each:
            _run(calibration, each, progress)
        _save(database, version_id, calibration)
    except Exception as error:
        with database.begin() as connection:
            versions.fail(connection, version_id, str(error) or type(error).__name__)
        raise
    return version_id


def _load(database: Database, plan: Plan) -> Calibration:
    planned = {*plan.reference_surveys, *(survey for stage in plan.stages for survey in stage.surveys)}
    with database.connect() as connection:
        present = frames.surveys_with_measurements(connection)
        survey_ids = {name: number for name, number in present.items() if name in planned}
        loaded = {name: frame_of(frames.linked_measurements(connection, number)) for name, number in survey_ids.items()}
        quoted = {name: frames.typical_errors(connection, number) for name, number in survey_ids.items()}
    anchors = [name for name in survey_ids if all(plan.identity(name))]
    if not anchors:
        needed = [name for name in plan.reference_surveys if all(plan.identity(name))]
        raise ConflictError(f"no measurements of the reference survey {' or '.join(needed)}: ingest it first")
    if not any(len(frame.star) for frame in loaded.values()):
        raise ConflictError("no star was seen by two surveys: run `sos crossmatch` first, or ingest another survey")
    scale = ReferenceScale.of(np.concatenate([frame.star for frame in loaded.values()]))
    own = {name: np.array([np.nan if e is None else e for e in errors]) for name, errors in quoted.items()}
    return Calibration(plan, survey_ids, loaded, own, scale)


def _run(calibration: Calibration, each: Each, progress: Progress) -> None:
    plan = calibration.plan
    stages = [[name for name in stage.surveys if name in calibration.survey_ids] for stage in plan.stages]
    total = len(calibration.survey_ids)
    references = [name for name in plan.reference_surveys if name in calibration.survey_ids]
    for name in references:
        _add_reference(calibration, name)
    for name in references:
        if all(plan.identity(name)):
            model = reference_model(calibration.own_errors[name])
            calibration.fitted[name] = FittedSurvey(model, ({}, {}, {}))
    done = len(calibration.fitted)
    progress(done, total)
    for stage in stages:
        for name in stage:
            _fit(calibration, name, each)
            done += 1
            progress(done, total)
        for name in stage:
            _add_calibrated(calibration, name)


def _add_reference(calibration: Calibration, name: str) -> None:
    """Put a reference survey's own values on the scale, in the parameters that it defines."""
    frame = calibration.frames[name]
    identity = np.array(calibration.plan.identity(name))
    known, known_error = calibration.scale.at(frame.star)
    own = calibration.own_errors[name]
    for p in range(len(PARAMETERS)):
        if np.isnan(own[p]):
            difference = np.where(frame.used[:, p], frame.reported[:, p] - known[:, p], np.nan)
            own[p] = missing_error(difference, known_error[:, p], smallest=float(SMALLEST_ERROR[p]))
    calibration.scale.add(frame.star, frame.reported, _errors(frame, own), frame.used & identity)


def _fit(calibration: Calibration, name: str, each: Each) -> None:
    plan, frame = calibration.plan, calibration.frames[name]
    names = frame.nuisance_names(plan.features)
    reference, error = calibration.scale.at(frame.star)
    links = Links(
        star=frame.star,
        split=frame.split,
        reported=np.where(frame.used, frame.reported, np.nan),
        reference=reference,
        reference_error=error,
        nuisance=frame.nuisance(names),
        nuisance_names=names,
    )
    own = calibration.own_errors[name]
    try:
        calibration.fitted[name] = fit_survey(links, plan.identity(name), plan.fit, own_error=own, each=each)
    except ValueError as problem:
        calibration.refused[name] = str(problem)


def _add_calibrated(calibration: Calibration, name: str) -> None:
    """Put a fitted survey's calibrated values on the scale, in the parameters that it does not define itself."""
    if name not in calibration.fitted:
        return
    frame, model = calibration.frames[name], calibration.fitted[name].model
    result = model.calibrate(frame.reported, frame.nuisance(model.space.nuisance), frame.minus, frame.plus)
    aligned = ~np.array(calibration.plan.identity(name))
    used = frame.used & aligned & result.in_domain[:, None]
    calibration.scale.add(frame.star, result.value, 0.5 * (result.minus + result.plus), used)


def _errors(frame: Frame, own: Floats) -> Floats:
    quoted = 0.5 * (frame.minus + frame.plus)
    return np.where(np.isfinite(quoted), quoted, own)


@contextmanager
def _each(calibration: Calibration, jobs: int) -> Iterator[Each]:
    """Yield a map over processes where there is enough to fit, else the plain one."""
    if jobs < 2 or max(len(frame.star) for frame in calibration.frames.values()) < WORTH_A_POOL:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _save(database: Database, version_id: int, calibration: Calibration) -> None:
    with database.begin() as connection:
        for name, fitted in calibration.fitted.items():
            common: dict[str, Any] = {
                "stage": calibration.plan.stage_of(name) or "",
                "direction": fitted.model.direction,
            }
            number = calibration.survey_ids[name]
            frame = dump_frame(fitted.model)
            versions.add_model(
                connection, version_id, number, parameter="frame", kind="frame", content=frame, metrics={}, **common
            )
            for p, parameter in enumerate(PARAMETERS):
                model = fitted.model.models[p]
                versions.add_model(
                    connection,
                    version_id,
                    number,
                    parameter=str(parameter),
                    kind=str(model.kind),
                    content=dump_bias(model),
                    metrics=fitted.metrics[p] if model.kind is not Kind.IDENTITY else {},
                    **common,
                )
        versions.set_metrics(connection, version_id, {"refused": calibration.refused})
