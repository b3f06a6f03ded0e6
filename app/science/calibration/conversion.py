"""From one survey's scale to another's, by way of the unified scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.science.calibration.frame import Frame
from app.science.calibration.plan import Plan
from app.science.calibration.prediction import predict
from app.science.calibration.survey_model import Calibrated, SurveyModel


def convert(frame: Frame, source: SurveyModel | None, target: SurveyModel | None, plan: Plan) -> Calibrated:
    """Return values of one scale on another, row by row, with 68 % intervals that hold the errors of both ways.

    S/N is of the spectra that the values were measured on; of values on the unified scale it is that of the spectra
    which the target would take. The second survey of two takes its typical S/N.

    Args:
        frame: values with their errors, on the scale of `source`, (n,).
        source: the survey that reported them, None for the unified scale.
        target: the survey whose report is wanted, None for the unified scale.
        plan: of the models' version, for its Monte Carlo.

    Raises:
        ValueError: the target's models are direct.
    """
    stars = _unified(frame) if source is None else source.calibrate_frame(frame, plan)
    if target is None:
        return stars
    seen = frame if source is None else replace(frame, snr=np.full_like(frame.snr, np.nan))
    return predict(target, stars, seen.nuisance(target.space.nuisance))


def _unified(frame: Frame) -> Calibrated:
    """Return values on the unified scale as they are; an error that is missing is none."""
    everyone = np.ones(len(frame.star), dtype=bool)
    minus, plus = (np.where(np.isfinite(half), half, 0.0) for half in (frame.minus, frame.plus))
    return Calibrated(frame.reported, minus, plus, np.full_like(frame.reported, np.nan), everyone, everyone)
