"""A user's table put on the scale of a version in this process, by what the steps of a worker do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from app.domain.columns import CATALOG, choose
from app.domain.matches import MatchRequest
from app.domain.user_surveys import UserSurveyRequest
from app.pipeline.plans import default_plan
from app.pipeline.user_report import user_report
from app.pipeline.user_stars import WANTED, KnownStars, known_stars, matches_of
from app.pipeline.user_survey import calibrate_rows, fit_user_survey
from app.pipeline.user_tables import read_upload
from app.science.calibration.frame import Frame
from app.science.calibration.survey_model import Calibrated
from app.services.matches import found_stars
from app.services.user_frames import frame_of_table
from app.services.user_looks import look_at
from app.storage.engine import Database


@dataclass(frozen=True)
class Homogenized:
    """A table, its rows as a survey's, what is known of their stars, their calibrated values, and the report."""

    table: pa.Table
    frame: Frame
    known: KnownStars
    values: Calibrated
    report: dict[str, Any]


def homogenized(database: Database, version: int, content: bytes, wanted: UserSurveyRequest) -> Homogenized:
    """Return what becomes of a table."""
    table, came_as = read_upload(content)
    look = look_at(content, table, came_as, version, wanted)
    frame, plan = frame_of_table(table, look.measured), default_plan()
    ra, dec, name = (look.taken.get(role) for role in ("ra", "dec", "id"))
    with database.connect() as connection:
        asked = MatchRequest(choose(CATALOG, WANTED), look.radius, ra, dec, name)
        found, _ = found_stars(connection, version, table, asked)
        known = known_stars(connection, version, frame, found)
    fit = fit_user_survey(frame, known, plan)
    values = calibrate_rows(fit, frame, plan)
    report = user_report(matches_of(known, frame), frame, known, fit, values, plan)
    return Homogenized(table, frame, known, values, report)
