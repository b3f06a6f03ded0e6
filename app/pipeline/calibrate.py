"""The calibration stage: every survey is modelled against the scale that the stages before it have built."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np

from app.domain.errors import ConflictError
from app.domain.quantities import PARAMETERS
from app.pipeline.failure import recorded_failure
from app.pipeline.progress import Progress, silent
from app.pipeline.software import software_versions
from app.science.calibration.fitting import Each, FittedSurvey, fit_survey
from app.science.calibration.frame import frame_of
from app.science.calibration.plan import Plan, plan_mapping
from app.science.calibration.serialize import dump_bias, dump_frame
from app.science.calibration.stages import Alignment
from app.storage import frames, versions
from app.storage.engine import Database

WORTH_A_POOL = 3000
"""Links above which fits run in processes of their own: starting one takes as long as a small fit."""


def calibrate(database: Database, plan: Plan, *, jobs: int = 1, progress: Progress = silent) -> int:
    """Fit every survey of the plan that has measurements, and keep the models as a new version.

    A survey that cannot be fitted is refused, with the reason in the version's metrics.

    Returns:
        The number of the version, in state `running` until its stars are homogenized.

    Raises:
        ConflictError: no survey of the plan defines the whole scale, or nothing has been cross-matched.
    """
    alignment = load_alignment(database, plan)
    with database.begin() as connection:
        snapshot = frames.data_snapshot(connection)
        version_id = versions.create(
            connection, plan=plan_mapping(plan), inputs=snapshot, software=software_versions(), seed=plan.seed
        )
    with recorded_failure(database, version_id):
        fitted, refused = _fit_all(alignment, jobs, progress)
        _save(database, version_id, plan, fitted, refused)
    return version_id


def load_alignment(database: Database, plan: Plan) -> Alignment:
    """Return the scale as the reference surveys define it, with the linked measurements of all planned surveys.

    Raises:
        ConflictError: no survey that defines the whole scale has measurements, or no star has two surveys.
    """
    planned = {*plan.reference_surveys, *(survey for stage in plan.stages for survey in stage.surveys)}
    with database.connect() as connection:
        present = frames.surveys_with_measurements(connection)
        numbers = {name: number for name, number in present.items() if name in planned}
        anchors = [name for name in plan.reference_surveys if all(plan.identity(name))]
        if not any(name in numbers for name in anchors):
            raise ConflictError(f"the reference survey {' or '.join(anchors)} has no measurements: ingest it first")
        loaded = {name: frame_of(frames.linked_measurements(connection, number)) for name, number in numbers.items()}
        quoted = {name: frames.typical_errors(connection, number) for name, number in numbers.items()}
    if not any(len(frame.star) for frame in loaded.values()):
        raise ConflictError("no star was seen by two surveys: run `sos crossmatch`, or ingest another survey")
    errors = {name: np.array([np.nan if e is None else e for e in quoted[name]]) for name in quoted}
    return Alignment.begin(plan, loaded, errors)


def _fit_all(alignment: Alignment, jobs: int, progress: Progress) -> tuple[dict[str, FittedSurvey], dict[str, str]]:
    fitted = {name: FittedSurvey(model, ({}, {}, {})) for name, model in alignment.anchors().items()}
    refused: dict[str, str] = {}
    total = len(fitted) + sum(len(stage) for stage in alignment.stages())
    progress(len(fitted), total)
    with each_in(alignment, jobs) as each:
        for stage in alignment.stages():
            for name in stage:
                try:
                    fitted[name] = fit_survey(
                        alignment.links(name),
                        alignment.plan.identity(name),
                        alignment.plan.fit,
                        own_error=alignment.own_errors[name],
                        each=each,
                    )
                except ValueError as problem:
                    refused[name] = str(problem)
                progress(len(fitted) + len(refused), total)
            for name in stage:
                if name in fitted:
                    alignment.add(name, fitted[name].model)
    return fitted, refused


@contextmanager
def each_in(alignment: Alignment, jobs: int) -> Iterator[Each]:
    """Yield a map over processes where there is enough to fit, else the plain one."""
    if jobs < 2 or max(len(frame.star) for frame in alignment.frames.values()) < WORTH_A_POOL:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _save(
    database: Database, version_id: int, plan: Plan, fitted: dict[str, FittedSurvey], refused: dict[str, str]
) -> None:
    with database.begin() as connection:
        numbers = frames.surveys_with_measurements(connection)
        for name, fit in fitted.items():
            parts = {"frame": ("frame", dump_frame(fit.model), {"nuisance": list(fit.model.space.nuisance)})}
            for parameter, model, metrics in zip(PARAMETERS, fit.model.models, fit.metrics, strict=True):
                parts[str(parameter)] = (str(model.kind), dump_bias(model), metrics)
            for part, (kind, content, metrics) in parts.items():
                versions.add_model(
                    connection,
                    version_id,
                    numbers[name],
                    parameter=part,
                    stage=plan.stage_of(name) or "",
                    kind=kind,
                    direction=fit.model.direction,
                    content=content,
                    metrics=metrics,
                )
        versions.set_metrics(connection, version_id, {"refused": refused})
