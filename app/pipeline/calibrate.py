"""The calibration stage: every survey is modelled against the scale that the stages before it have built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.domain.quantities import PARAMETERS
from app.pipeline.calibrated_frames import calibrated_frame
from app.pipeline.failure import recorded_failure
from app.pipeline.progress import Progress, silent
from app.pipeline.queued import queue_version
from app.pipeline.software import software_versions
from app.science.calibration.fitting import Each, FittedSurvey, fit_survey
from app.science.calibration.frame import frame_of
from app.science.calibration.handover import fit_key
from app.science.calibration.links import TEST
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.network_model import weak_survey_model
from app.science.calibration.network_report import Values, network_metrics, zero_point_metrics
from app.science.calibration.plan import Plan
from app.science.calibration.serialize import dump_bias, dump_frame
from app.science.calibration.stages import Alignment, Ascent
from app.science.calibration.survey_model import SurveyModel
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
        version_id = queue_version(connection, plan)
        versions.start(connection, version_id, data_state=frames.data_state(connection))
    with recorded_failure(database, version_id):
        _fit_all(database, version_id, alignment, jobs, progress)
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
        loaded = {
            name: frame_of(frames.linked_measurements(connection, number)).within(plan.cuts_of(name))
            for name, number in numbers.items()
        }
        quoted = {name: frames.typical_errors(connection, number) for name, number in numbers.items()}
    if not any(len(frame.star) for frame in loaded.values()):
        raise ConflictError("no star was seen by two surveys: run `sos crossmatch`, or ingest another survey")
    errors = {name: np.array([np.nan if e is None else e for e in quoted[name]]) for name in quoted}
    return Alignment.begin(plan, loaded, errors, calibrated_frame)


def _fit_all(database: Database, version_id: int, alignment: Alignment, jobs: int, progress: Progress) -> None:
    ascent, software = Ascent(alignment), software_versions()
    refused: dict[str, str] = {}
    with each_in(alignment, jobs) as each:
        for _, names in ascent.stages():
            for name in names:
                progress(len(ascent.models) + len(refused), len(alignment.frames))
                try:
                    key, fitted = _fit_alone(alignment, name, each, software)
                except ValueError as problem:
                    refused[name] = str(problem)
                    continue
                ascent.models[name] = fitted.model
                with database.begin() as connection:
                    save_models(connection, version_id, alignment.plan, name, fitted, key)
    conclusion = conclude(ascent, refused)
    with database.begin() as connection:
        conclusion.save(connection, version_id, alignment.plan)
    progress(len(alignment.frames), len(alignment.frames))


def _fit_alone(alignment: Alignment, name: str, each: Each, software: Mapping[str, str]) -> tuple[str, FittedSurvey]:
    plan, own_error, links = alignment.plan, alignment.own_errors[name], alignment.links(name)
    fitted = fit_survey(links, plan.identity(name), plan.fit, own_error=own_error, each=each)
    return fit_key(links, plan.identity(name), plan.fit, own_error, software), fitted


@dataclass(frozen=True)
class Conclusion:
    """What a calibration ends with: models that come without fits of their own, and figures about all of them."""

    fitted: dict[str, FittedSurvey]
    metrics: dict[str, Any]

    def save(self, connection: Connection, version_id: int, plan: Plan) -> None:
        """Keep models and figures in a version."""
        for name, fitted in self.fitted.items():
            save_models(connection, version_id, plan, name, fitted)
        versions.set_metrics(connection, version_id, self.metrics)


def conclude(ascent: Ascent, refused: Mapping[str, str]) -> Conclusion:
    """Return the models of the anchors and of the network of weak surveys, and what the zero points share.

    Args:
        ascent: climbed to its end, so that every survey with links of its own has its model.
        refused: surveys that could not be fitted, with the reason.
    """
    alignment = ascent.alignment
    network, anchors = alignment.network(ascent.weak), alignment.anchors()
    fitted = {name: FittedSurvey(model, ({}, {}, {})) for name, model in anchors.items()}
    fitted |= {name: network_survey(network, name, alignment) for name in network.names}
    metrics: dict[str, Any] = {"zero_points": zero_point_metrics(network, alignment.scale_error())}
    if network.names:
        models = ascent.models | {name: one.model for name, one in fitted.items()}
        metrics["network"] = network_metrics(network, _judged_values(alignment, models, network), tuple(anchors))
    return Conclusion(fitted, metrics | {"refused": {**refused, **network.refused}})


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


def _judged_values(alignment: Alignment, models: Mapping[str, SurveyModel], network: NetworkFit) -> Values:
    """Return the calibrated values by which the network is audited: test stars, and all stars of its surveys."""
    linked = np.unique(np.concatenate([alignment.frames[name].star for name in network.names]))
    values = {}
    for name, model in models.items():
        frame = alignment.frames[name]
        result = alignment.calibrated(model, frame)
        used = frame.used & (result.in_domain[:, None] | model.identity) & np.isfinite(result.value)
        judged = (frame.split == TEST) | np.isin(frame.star, linked)
        columns = (frame.star, result.value, 0.5 * (result.minus + result.plus), used)
        values[name] = tuple(column[judged] for column in columns)
    return values


@contextmanager
def each_in(alignment: Alignment, jobs: int) -> Iterator[Each]:
    """Yield a map over processes where there is enough to fit, else the plain one."""
    if jobs < 2 or max(len(frame.star) for frame in alignment.frames.values()) < WORTH_A_POOL:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def save_models(
    connection: Connection, version_id: int, plan: Plan, name: str, fitted: FittedSurvey, key: str | None = None
) -> None:
    """Keep the models of a survey in a version.

    Args:
        connection: in whose transaction.
        version_id: the version.
        plan: its plan.
        name: of the survey.
        fitted: its models and what stands behind them.
        key: SHA-256 of everything that they were made of, None where they were not made from the survey's links alone.
    """
    model = fitted.model
    parts: dict[str, tuple[str, bytes, dict[str, Any]]] = {
        "frame": ("frame", dump_frame(model), {"nuisance": list(model.space.nuisance)})
    }
    for parameter, bias, metrics in zip(PARAMETERS, model.models, fitted.metrics, strict=True):
        parts[str(parameter)] = (str(bias.kind), dump_bias(bias), metrics)
    survey_id = frames.surveys_with_measurements(connection)[name]
    for part, (kind, content, metrics) in parts.items():
        versions.add_model(
            connection,
            version_id,
            survey_id,
            parameter=part,
            stage=plan.stage_of(name) or "",
            kind=kind,
            direction=model.direction,
            content=content,
            metrics=metrics,
            fit_key=key,
        )
