"""Make a calibration version; a run that was cut off leaves a failed version behind and the next makes a new one."""

from __future__ import annotations

from typing import Any

from procrastinate import JobContext

from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.publish import publish
from app.pipeline.validate import validate
from app.science.calibration.plan import parse_plan
from app.storage.engine import Database


def make_version(context: JobContext, *, plan: dict[str, Any], serve: bool) -> int:
    """Calibrate, homogenize and validate by a plan, publish if asked to; returns the version's number."""
    database: Database = context.additional_context["database"]
    version_id = calibrate(database, parse_plan(plan, file="job"), jobs=context.additional_context["jobs"])
    homogenize_stars(database, version_id)
    validate(database, version_id)
    if serve:
        publish(database, version_id)
    return version_id
