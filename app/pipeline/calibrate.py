"""The calibration stage: every survey is modelled against the scale that the stages before it have built."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from app.domain.errors import ConflictError
from app.domain.quantities import PARAMETERS
from app.pipeline.failure import recorded_failure
from app.pipeline.progress import Progress, silent
from app.pipeline.software import software_versions
from app.science.calibration.fitting import Each, FittedSurvey, fit_survey
from app.science.calibration.frame import frame_of
from app.science.calibration.links import TEST
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.network_model import weak_survey_model
from app.science.calibration.network_report import Values, network_metrics, zero_point_metrics
from app.science.calibration.plan import Plan, plan_mapping
from app.science.calibration.serialize import dump_bias, dump_frame
from app.science.calibration.stages import Alignment
from app.storage import frames, versions
from app.storage.engine import Database

WORTH_A_POOL = 3000
"""Links above which fits run in processes of their own: starting one takes as long as a small fit."""


@dataclass
class _Outcome:
    """What came of a calibration: fitted surveys, refused ones with the reason, and figures about them all."""

    fitted: dict[str, FittedSurvey]
    refused: dict[str, str]
    metrics: dict[str, Any]

    @property
    def judged(self) -> int:
        return len(self.fitted) + len(self.refused)


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
        _save(database, version_id, plan, _fit_all(alignment, jobs, progress))
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


def _fit_all(alignment: Alignment, jobs: int, progress: Progress) -> _Outcome:
    outcome = _Outcome({name: FittedSurvey(model, ({}, {}, {})) for name, model in alignment.anchors().items()}, {}, {})
    stages = list(alignment.stages())
    total, weak = len(outcome.fitted) + sum(len(stage) for stage in stages), []
    with each_in(alignment, jobs) as each:
        for stage in stages:
            alone = [name for name in stage if not alignment.is_weak(name)]
            weak += [name for name in stage if name not in alone]
            for name in alone:
                progress(outcome.judged, total)
                _fit_alone(alignment, name, each, outcome)
            for name in alone:
                if name in outcome.fitted:
                    alignment.add(name, outcome.fitted[name].model)
    _fit_together(alignment, weak, outcome)
    progress(outcome.judged, total)
    return outcome


def _fit_alone(alignment: Alignment, name: str, each: Each, outcome: _Outcome) -> None:
    plan, own_error = alignment.plan, alignment.own_errors[name]
    try:
        outcome.fitted[name] = fit_survey(
            alignment.links(name), plan.identity(name), plan.fit, own_error=own_error, each=each
        )
    except ValueError as problem:
        outcome.refused[name] = str(problem)


def _fit_together(alignment: Alignment, weak: list[str], outcome: _Outcome) -> None:
    """Fit the surveys with few links as a network, and measure what the zero points of all surveys share."""
    network = alignment.network(weak)
    outcome.refused.update(network.refused)
    for name in network.names:
        outcome.fitted[name] = network_survey(network, name, alignment)
    outcome.metrics["zero_points"] = zero_point_metrics(network, alignment.scale_error())
    if network.names:
        anchors = tuple(alignment.anchors())
        outcome.metrics["network"] = network_metrics(network, _judged_values(alignment, outcome, network), anchors)


def network_survey(network: NetworkFit, name: str, alignment: Alignment) -> FittedSurvey:
    """Return the models of a survey of the network, with what stands behind them."""
    rng = np.random.default_rng(alignment.plan.seed)
    model = weak_survey_model(network, name, own_error=alignment.own_errors[name], rng=rng)
    rows = network.table.survey == network.names.index(name)
    counts = {
        "stars": int(rows.sum()),
        "direct_stars": int((rows & network.table.direct).sum()),
        "tails": "network, stars left out",
        "rounds": 0,
        "cells": 1,
    }
    return FittedSurvey(model, tuple(counts | {"stability": float(error)} for error in model.model_error))


def _judged_values(alignment: Alignment, outcome: _Outcome, network: NetworkFit) -> Values:
    """Return the calibrated values by which the network is audited: test stars, and all stars of its surveys."""
    linked = np.unique(np.concatenate([alignment.frames[name].star for name in network.names]))
    values = {}
    for name, fit in outcome.fitted.items():
        frame = alignment.frames[name]
        frame = frame.where((frame.split == TEST) | np.isin(frame.star, linked))
        result = fit.model.calibrate_frame(frame)
        used = frame.used & (result.in_domain[:, None] | fit.model.identity) & np.isfinite(result.value)
        values[name] = (frame.star, result.value, 0.5 * (result.minus + result.plus), used)
    return values


@contextmanager
def each_in(alignment: Alignment, jobs: int) -> Iterator[Each]:
    """Yield a map over processes where there is enough to fit, else the plain one."""
    if jobs < 2 or max(len(frame.star) for frame in alignment.frames.values()) < WORTH_A_POOL:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _save(database: Database, version_id: int, plan: Plan, outcome: _Outcome) -> None:
    with database.begin() as connection:
        numbers = frames.surveys_with_measurements(connection)
        for name, fit in outcome.fitted.items():
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
        versions.set_metrics(connection, version_id, outcome.metrics | {"refused": outcome.refused})
