"""The course of every kind of job: which step follows which, and which task does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.jobs import NewStep

PARAMETERS = (0, 1, 2)


def ingestion(path: str, survey: str, *, replace: bool, uploaded: bool) -> NewStep:
    """Take a file into a survey."""
    arguments = {"path": path, "survey": survey, "replace": replace, "uploaded": uploaded}
    return NewStep("ingest", "ingest", "ingest", arguments)


def crossmatch(*, full: bool = False) -> NewStep:
    """Match all measurements to stars."""
    return NewStep("crossmatch", "crossmatch", "cross-match", {"full": full})


def calibration(*, reuse: bool, publish: bool) -> NewStep:
    """Begin a calibration: the surveys of its first stage are made ready."""
    return align("begin", [], reuse=reuse, publish=publish)


def align(name: str, fits: Sequence[str], *, reuse: bool, publish: bool) -> NewStep:
    """Turn the fits of surveys into models, and make the next stage ready; `name` is that of the stage behind."""
    arguments = {"fits": list(fits), "reuse": reuse, "publish": publish}
    return NewStep(f"align:{name}", "align", "align", arguments)


def fits(stage: str, surveys: Sequence[tuple[str, Sequence[int]]], *, reuse: bool, publish: bool) -> list[NewStep]:
    """Fit the surveys of a stage, each in the parameters (0 Teff, 1 log g, 2 [Fe/H]) that it does not define."""
    names = [survey for survey, _ in surveys]
    common = {"stage_fits": names, "reuse": reuse, "publish": publish}
    return [
        NewStep(fit_name(survey, p), "fit", f"fit {stage}", {"survey": survey, "parameter": p, **common})
        for survey, parameters in surveys
        for p in parameters
    ]


def fit_name(survey: str, parameter: int) -> str:
    """Return the name of the step that fits a survey in a parameter, under which it leaves its result."""
    return f"fit:{survey}:{parameter}"


def consistency(*, publish: bool) -> NewStep:
    """Measure what the calibrated surveys' errors share and lack."""
    return NewStep("consistency", "consistency", "consistency", {"publish": publish})


def homogenization(ranges: Sequence[tuple[int, int]], *, publish: bool) -> list[NewStep]:
    """Homogenize ranges of star numbers (first, below)."""
    return [
        NewStep(part_name(k), "homogenize", "homogenize", {"first": first, "below": below, "publish": publish})
        for k, (first, below) in enumerate(ranges)
    ]


def part_name(part: int | None = None) -> str:
    """Return the name of the step that homogenizes a part of the stars, or what all these names begin with."""
    return "homogenize:" if part is None else f"homogenize:{part:06}"


def completion(*, publish: bool) -> NewStep:
    """Make the homogenized tables part of the catalogue."""
    return NewStep("complete", "complete", "index", {"publish": publish})


def validation(*, publish: bool) -> NewStep:
    """Judge a version."""
    return NewStep("validate", "validate", "validate", {"publish": publish})


def keeping() -> NewStep:
    """Keep the catalogue of a version as a file."""
    return NewStep("keep", "keep", "validate")


def publication(*, force: bool = False, action: str = "publish") -> NewStep:
    """Point readers to a version."""
    return NewStep("publish", "publish", "publish", {"force": force, "action": action})


def cleanup() -> NewStep:
    """Remove what retention does not keep."""
    return NewStep("cleanup", "cleanup", "clean-up")


def export(arguments: Mapping[str, Any]) -> NewStep:
    """Write a slice of the catalogue to a file; `arguments` say which, and of what kind."""
    return NewStep("export", "export", "export", arguments)


def match_table(token: str) -> NewStep:
    """Find the stars of a user's table."""
    return NewStep("match_table", "match_table", "match", {"token": token})


def calibrate_table(token: str) -> NewStep:
    """Put a user's table on the unified scale."""
    return NewStep("calibrate_table", "calibrate_table", "calibrate", {"token": token})
