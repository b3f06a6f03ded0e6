"""Whether a plan can be carried out with the data that are there, before anything is queued."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.domain.errors import PlanError
from app.science.calibration.plan import CUTS, Plan
from app.storage import frames


def check_plan(connection: Connection, plan: Plan, *, file: str = "plan") -> None:
    """Insist that a plan has an anchor that was ingested, cuts that leave something, and surveys with enough links.

    Args:
        connection: to the data.
        plan: the plan.
        file: what errors call the plan.

    Raises:
        PlanError: names the key and says what would be right.
    """
    present = frames.surveys_with_measurements(connection)
    anchors = [name for name in plan.reference_surveys if all(plan.identity(name))]
    if not any(name in present for name in anchors):
        raise PlanError(file, "reference", f"{' or '.join(anchors)} has no measurements: ingest it first")
    _check_cuts(connection, plan, present, file)
    _check_links(connection, plan, present, file)


def _check_cuts(connection: Connection, plan: Plan, present: Mapping[str, int], file: str) -> None:
    for survey, cuts in plan.cuts.items():
        if survey not in present:
            continue
        limits: dict[str, Any] = {"survey_id": present[survey]}
        for name in CUTS:
            lowest, highest = cuts.get(name, (-math.inf, math.inf))
            limits |= {f"{name}_min": _finite(lowest), f"{name}_max": _finite(highest)}
        if not frames.any_within(connection, limits):
            raise PlanError(file, f"cuts.{survey}", f"no measurement of {survey} lies within these cuts")


def _finite(limit: float) -> float | None:
    return limit if math.isfinite(limit) else None


def _check_links(connection: Connection, plan: Plan, present: Mapping[str, int], file: str) -> None:
    planned = {*plan.reference_surveys, *(name for stage in plan.stages for name in stage.surveys)}
    numbers = {name: number for name, number in present.items() if name in planned}
    common = frames.stars_in_common(connection, list(numbers.values()))
    for k, stage in enumerate(plan.stages):
        for name in stage.surveys:
            stars = common.get(numbers.get(name, -1), 0)
            if name in numbers and stars < plan.fit.fewest:
                raise PlanError(
                    file,
                    f"stages[{k}].surveys",
                    f"{name} has {stars} stars in common with the other surveys of the plan, fit.fewest asks for "
                    f"{plan.fit.fewest}: leave it out, ingest more of it, or match stars again",
                )
