"""The consistency stage: what the calibrated surveys share and what their errors lack, kept in the version's metrics.

Runs between calibration and homogenization, which combines with what is found here and with the zero points'
covariance that calibration left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.calibrated_frames import calibrated_frame
from app.science.calibration.frame import Frame, frame_of
from app.science.calibration.plan import parse_plan
from app.science.calibration.survey_model import SurveyModel
from app.science.combination.common_error import SharedErrors, take_apart
from app.science.combination.consistency import TEST, Consistency, Sightings, measure
from app.storage import frames, versions
from app.storage.engine import Database

ZERO_POINTS, EXTRA_SCATTER, REPEATS = "zero_points", "extra_scatter", "repeat_correlation"
Metrics = Mapping[str, Any]


def measure_consistency(database: Database, version_id: int, models: Mapping[int, SurveyModel]) -> SharedErrors:
    """Measure extra scatter and repeat correlation of a calibrated version and keep them in its metrics.

    Args:
        database: where the measurements are.
        version_id: the version.
        models: its survey models by survey number.

    Returns:
        What errors share, surveys in the order of `models`.
    """
    with database.connect() as connection:
        by_number = {number: name for name, number in frames.surveys_with_measurements(connection).items()}
        names = [by_number[number] for number in models]
        version = versions.get(connection, version_id)
        plan = parse_plan(version.plan, file=f"version {version_id}")
        loaded = [
            frame_of(frames.linked_measurements(connection, number)).within(plan.cuts_of(by_number[number]))
            for number in models
        ]
        zero_points = shared_errors(version.metrics, names).zero_point
    sightings = [
        _sightings(frame, model, zero_points[:, place, place])
        for place, (frame, model) in enumerate(zip(loaded, models.values(), strict=True))
    ]
    found = [measure([survey[p] for survey in sightings]) for p in range(len(PARAMETERS))]
    with database.begin() as connection:
        versions.set_metrics(connection, version_id, as_metrics(names, found))
        return shared_errors(versions.get(connection, version_id).metrics, names)


def shared_errors(metrics: Metrics, surveys: Sequence[str]) -> SharedErrors:
    """Return what a version's metrics say about these surveys, in this order; zero for what they do not name."""
    none = SharedErrors.none(len(surveys))
    covariance = _square(metrics.get(ZERO_POINTS), surveys, none.zero_point)
    return SharedErrors(
        covariance,
        _line(metrics.get(EXTRA_SCATTER), surveys, none.extra_scatter),
        _line(metrics.get(REPEATS), surveys, none.repeat_correlation),
    )


def as_metrics(surveys: Sequence[str], found: Sequence[Consistency]) -> dict[str, Any]:
    """Return the metrics `extra_scatter` and `repeat_correlation`: lists in the order of their `surveys`."""
    extra: dict[str, Any] = {"surveys": list(surveys)}
    repeats: dict[str, Any] = {"surveys": list(surveys)}
    for parameter, result in zip(map(str, PARAMETERS), found, strict=True):
        extra[parameter] = _plain(result.extra.scatter)
        extra[f"{parameter}_variance_error"] = _plain(result.extra.variance_error)
        extra[f"{parameter}_factor"] = _plain(result.extra.factor)
        extra[f"{parameter}_pairs"] = [
            {"surveys": [surveys[pair.first], surveys[pair.second]], "stars": pair.stars, "ratio": round(pair.ratio, 4)}
            for pair in result.pairs
        ]
        repeats[parameter] = _plain([one.correlation for one in result.repeats])
        repeats[f"{parameter}_error"] = _plain([one.error for one in result.repeats])
        repeats[f"{parameter}_stars"] = [one.stars for one in result.repeats]
    return {EXTRA_SCATTER: extra, REPEATS: repeats}


def _plain(values: Any) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _square(metric: Metrics | None, surveys: Sequence[str], empty: Any) -> Any:
    if metric is None:
        return empty
    place, known = _places(metric, surveys)
    for p, parameter in enumerate(map(str, PARAMETERS)):
        matrix = np.array(metric[parameter], dtype=np.float64)
        empty[p][np.ix_(known, known)] = np.nan_to_num(matrix[np.ix_(place, place)])
    return empty


def _line(metric: Metrics | None, surveys: Sequence[str], empty: Any) -> Any:
    if metric is None:
        return empty
    place, known = _places(metric, surveys)
    for p, parameter in enumerate(map(str, PARAMETERS)):
        empty[p, known] = np.nan_to_num(np.array(metric[parameter], dtype=np.float64)[place])
    return empty


def _places(metric: Metrics, surveys: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return where the metric holds the surveys that it knows, and where these stand in `surveys`."""
    named = list(metric["surveys"])
    known = [place for place, name in enumerate(surveys) if name in named]
    return [named.index(surveys[place]) for place in known], known


def _sightings(frame: Frame, model: SurveyModel, zero_point: Any) -> tuple[Sightings, ...]:
    """Return what a survey says of each parameter of its linked stars, test stars left out."""
    result = calibrated_frame(model, frame)
    kept = frame.split != TEST
    usable = frame.used & (result.in_domain[:, None] | model.identity) & np.isfinite(result.value)
    return tuple(
        Sightings(
            frame.star[kept],
            frame.split[kept],
            result.value[kept, p],
            _independent_variance(result.minus[kept, p], result.plus[kept, p], zero_point[p]),
            usable[kept, p],
        )
        for p in range(len(PARAMETERS))
    )


def _independent_variance(minus: Any, plus: Any, zero_point: float) -> Any:
    """Return the mean variance of the two sides without the zero point, each measurement on its own, (n,)."""
    n = len(minus)
    entering = np.isfinite(minus) & np.isfinite(plus) & (minus > 0) & (plus > 0)
    shared = (np.array([[zero_point]]), np.zeros(1), np.zeros(1))
    parts = take_apart(minus, plus, entering, np.zeros(n, dtype=np.int64), np.arange(n + 1), shared)
    return 0.5 * (parts.minus + parts.plus)
