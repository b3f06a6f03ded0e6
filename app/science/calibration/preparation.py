"""Links made ready for a fit: the reference's own noise is taken out of the regressor and out of the scatter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.science.calibration.features import STELLAR, feature_space, stack
from app.science.calibration.links import Links
from app.science.calibration.low_order import fit_low_order
from app.science.calibration.own_scatter import with_own_scatter
from app.science.calibration.reference_noise import without_reference_noise
from app.science.calibration.selection import STARS_PER_COEFFICIENT
from app.science.calibration.settings import FitSettings
from app.science.robust import scatter

HALF = float(np.sqrt(0.5))


def prepared(usable: Links, identity: tuple[bool, ...], settings: FitSettings) -> Links:
    """Return the links without the reference's noise, in regressor and scatter, where the survey is no part of it."""
    if settings.direction != "forward" or any(identity) or not np.isfinite(usable.reference_error).all():
        return usable
    regressed = without_reference_noise(_credible(usable, settings), seed=settings.seed)
    space = feature_space(stack(regressed.reference, regressed.nuisance), STELLAR + regressed.nuisance_names)
    return with_own_scatter(regressed, space, shrinkage=settings.shrinkage, seed=settings.seed)


def _credible(usable: Links, settings: FitSettings) -> Links:
    """Return the links with reference errors that explain no more than half of the scatter between the two sides.

    Some surveys quote errors far above their true ones; believed, they would leave nothing of the stars' own spread.
    """
    features = stack(usable.reference, usable.nuisance)
    space = feature_space(features, STELLAR + usable.nuisance_names)
    error = usable.reference_error.copy()
    for p in range(3):
        target = usable.reported[:, p] - usable.reference[:, p]
        degree = 2 if usable.stars >= STARS_PER_COEFFICIENT * 21 else 0
        base = fit_low_order(features, target, usable.weights, space, degree=degree, shrinkage=settings.shrinkage)
        most = HALF * scatter(target - base.predict(features))
        error[:, p] *= min(1.0, most / float(np.median(error[:, p])))
    return replace(usable, reference_error=error)
