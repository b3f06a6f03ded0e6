"""The network in a version's metrics: zero points with their covariance, links for people, audit, refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.frame import PARAMETERS
from app.science.calibration.network_audit import audit, leave_one_link_out
from app.science.calibration.network_degrees import LEVELS
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.network_graph import survey_graph
from app.science.calibration.network_scale import ScaleError
from app.science.calibration.network_sightings import sightings

Values = Mapping[str, tuple[Integers, Floats, Floats, Booleans]]
"""Per survey: star (n,), calibrated values, symmetric errors and whether they are used, (n, 3) each."""


def zero_point_metrics(network: NetworkFit, scale_error: ScaleError | None = None) -> dict[str, Any]:
    """Return `{"surveys": names, "teff": matrix, "logg": matrix, "feh": matrix}`, strong surveys first.

    The matrices are the covariance of what calibrated values of the surveys are off by as a whole.
    """
    strong = scale_error.names if scale_error else ()
    metrics: dict[str, Any] = {"surveys": [*strong, *network.names]}
    for p, name in enumerate(PARAMETERS):
        own = scale_error.covariance[p] if scale_error else np.zeros((0, 0))
        if not network.names:
            metrics[name] = own.tolist()
            continue
        fit = network.parameters[p]
        shared = fit.leans @ own
        metrics[name] = np.block([[own, shared.T], [shared, fit.zero_points]]).tolist()
    return metrics


def network_metrics(network: NetworkFit, calibrated: Values, anchors: tuple[str, ...]) -> dict[str, Any]:
    """Return what a version tells of its network, ready for JSON (None for what is not finite).

    Args:
        network: the fit.
        calibrated: calibrated values of all surveys, strong ones too.
        anchors: surveys that define the whole scale.
    """
    report: dict[str, Any] = {"refused": network.refused, "surveys": _surveys(network)}
    for p, name in enumerate(PARAMETERS):
        columns = {
            survey: (star[used[:, p]], value[used[:, p], p], error[used[:, p], p])
            for survey, (star, value, error, used) in calibrated.items()
        }
        try:
            report[name] = _parameter(columns, anchors)
        except ValueError as problem:
            report[name] = {"problem": str(problem)}
    plain: dict[str, Any] = _plain(report)
    return plain


def _surveys(network: NetworkFit) -> dict[str, Any]:
    counts = np.bincount(network.table.survey, minlength=len(network.names))
    return {
        survey: {
            "stars": int(counts[s]),
            "direct_stars": int((network.table.direct & (network.table.survey == s)).sum()),
            **{
                name: {
                    "bias": float((fit.used.typical @ fit.used.theta)[s]),
                    "error": float(np.sqrt(fit.zero_points[s, s])),
                    "effective_links": float(fit.effective_links[s]),
                    "depends_on": LEVELS[int(fit.level[s])],
                }
                for name, fit in zip(PARAMETERS, network.parameters, strict=True)
            },
        }
        for s, survey in enumerate(network.names)
    }


def _parameter(columns: Mapping[str, tuple[Integers, Floats, Floats]], anchors: tuple[str, ...]) -> dict[str, Any]:
    seen = sightings(columns, anchors)
    graph = survey_graph(seen)
    return {
        "links": [asdict(edge) for edge in graph.edges],
        "paths": [asdict(node) for node in graph.nodes],
        "audit": [asdict(shift) for shift in audit(seen)],
        "leave_one_link_out": [asdict(test) for test in leave_one_link_out(seen)],
    }


def _plain(value: Any) -> Any:
    """Return the value with tuples as lists and None for numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
