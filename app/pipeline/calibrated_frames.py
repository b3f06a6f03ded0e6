"""Measurements of linked stars on the scale: every step of a calibration wants them, one machine makes them once."""

from __future__ import annotations

from app.pipeline import machine_cache
from app.pipeline.machine_cache import Arrays
from app.pipeline.models import keeping
from app.pipeline.software import method_versions
from app.science.calibration.frame import Frame
from app.science.calibration.handover import calibration_key
from app.science.calibration.survey_model import Calibrated, SurveyModel


def calibrated_frame(model: SurveyModel, frame: Frame) -> Calibrated:
    """Return what `model.calibrate_frame(frame)` does, from what this machine keeps where it can."""
    if not machine_cache.keeps() or model.identity.all():
        return model.calibrate_frame(frame)

    def make() -> Arrays:
        return vars((model if model.keeper else keeping(model)).calibrate_frame(frame))

    return Calibrated(**machine_cache.kept(calibration_key(model, frame, method_versions()), make))
