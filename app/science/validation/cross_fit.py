"""Every common star judged by models that never saw it: the survey is fitted again without each fold of its stars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.fitting import Each, fit_survey
from app.science.calibration.links import TEST, TRAIN, Links, folds_of
from app.science.calibration.settings import FitSettings
from app.science.calibration.survey_model import Calibrated, nothing_calibrated

FOLDS = 5


def cross_fit(
    links: Links,
    own_minus: Floats,
    own_plus: Floats,
    identity: tuple[bool, ...],
    settings: FitSettings,
    *,
    own_error: Floats,
    each: Each = map,
) -> Calibrated:
    """Return the calibrated values of all links, each from models fitted without the star's fold.

    Args:
        links: spectra of stars that the reference scale knows, (n,).
        own_minus: the survey's errors downwards, (n, 3).
        own_plus: upwards, (n, 3).
        identity: which parameters define the reference.
        settings: how to fit.
        own_error: stand-in errors, (3,).
        each: how parameters are fitted side by side.

    Raises:
        ValueError: too few links to fit.
    """
    result = nothing_calibrated(len(links.star))
    folds = folds_of(links.star, FOLDS)
    rest = np.where(links.split == TEST, TRAIN, links.split)
    for fold in range(FOLDS):
        judged = folds == fold
        without = replace(links, split=np.where(judged, TEST, rest))
        model = fit_survey(without, identity, settings, own_error=own_error, each=each).model
        part = model.calibrate(links.reported[judged], links.nuisance[judged], own_minus[judged], own_plus[judged])
        result.put(judged, part)
    return result
