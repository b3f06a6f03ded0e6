"""Values from one survey's scale to another's."""

from __future__ import annotations

import numpy as np

from app.factory import Factory
from app.pipeline.plans import default_plan
from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel, Kind, fit_bias
from app.science.calibration.conversion import convert
from app.science.calibration.domain import learn_domain
from app.science.calibration.features import STELLAR, FeatureSpace
from app.science.calibration.frame import Frame
from app.science.calibration.settings import BoostSettings
from app.science.calibration.survey_model import SurveyModel

_SPREAD = np.array([1000.0, 1.0, 0.5])
_ERROR = 0.02 * _SPREAD


def rehearse(factory: Factory) -> None:
    """Convert two stars by models of a survey that differs from the reference by a constant."""
    factory.conversion()
    plan = default_plan()
    stars = np.array([5000.0, 3.0, 0.0]) + _SPREAD * np.random.default_rng(1).uniform(-1, 1, (50, 3))
    space = FeatureSpace(STELLAR, stars.mean(axis=0), _SPREAD, stars.min(axis=0), stars.max(axis=0))
    models = tuple(_model(stars, space, scatter) for scatter in _ERROR)
    survey = SurveyModel(
        direction="forward",
        space=space,
        models=models,
        domain=learn_domain(stars, stars, rng=np.random.default_rng(1)),
        axes=[np.linspace(low, high, 3) for low, high in zip(space.lowest, space.highest, strict=True)],
        correlation=np.eye(3),
        reference_error=_ERROR,
        model_error=_ERROR,
        own_error=_ERROR,
    )
    frame = _frame(stars[:2])
    for source, target in ((survey, None), (None, survey)):
        convert(frame, source, target, plan)


def _model(stars: Floats, space: FeatureSpace, scatter: float) -> BiasModel:
    bias = scatter * np.random.default_rng(1).normal(1.0, 1.0, len(stars))
    return fit_bias(Kind.CONSTANT, stars, bias, np.ones(len(stars)), space, boost=BoostSettings(), seed=1)


def _frame(stars: Floats) -> Frame:
    n = len(stars)
    number, error = np.arange(n), np.tile(_ERROR, (n, 1))
    return Frame(
        star=number,
        split=number,
        reported=stars,
        minus=error,
        plus=error,
        used=np.ones((n, 3), dtype=bool),
        snr=np.full(n, 50.0),
        magnitudes=np.full((n, 2), np.nan),
        number=number,
    )
