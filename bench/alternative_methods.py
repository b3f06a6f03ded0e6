"""What else one could do with a survey's values: nothing, an offset, a polynomial, or XGBoost as it comes.

All learn survey - reference from the survey's own values, from the stars that the survey and the reference share.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xgboost
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from app.science.arrays import Floats
from app.science.calibration.features import stack
from app.science.calibration.frame import Frame
from app.science.calibration.links import Links
from app.science.robust import scatter

Answer = tuple[Floats, Floats, Floats]
"""Values and distances to the lower and upper end of the 68 % interval, (n, 3) each."""
Method = Callable[[Links, Frame], Answer]

QUANTILES = (0.16, 0.5, 0.84)
FEWEST_FOR_TREES, STARS_PER_COEFFICIENT = 200, 10
COEFFICIENTS = (1, 4, 10)
CLIPPED, ROUNDS, DEPTH, RATE = 4.0, 300, 5, 0.05


def raw(links: Links, frame: Frame) -> Answer:
    """Return the survey's values and its own errors."""
    del links
    return frame.reported, frame.minus, frame.plus


def offset(links: Links, frame: Frame) -> Answer:
    """Take the median difference off; the interval is the scatter of the differences."""
    return _polynomial(links, frame, 0)


def linear(links: Links, frame: Frame) -> Answer:
    """Take a linear ridge in Teff, log g, [Fe/H] off."""
    return _polynomial(links, frame, 1)


def quadratic(links: Links, frame: Frame) -> Answer:
    """Take a quadratic ridge in Teff, log g, [Fe/H] off."""
    return _polynomial(links, frame, 2)


def plain_xgboost(links: Links, frame: Frame) -> Answer:
    """Take boosted trees with pinball loss off, features S/N and magnitude too; the interval is their 16 to 84 %."""
    if links.stars < FEWEST_FOR_TREES:
        return quadratic(links, frame)
    features, at = stack(links.reported, links.nuisance), stack(frame.reported, frame.nuisance(links.nuisance_names))
    value, minus, plus = (np.empty_like(frame.reported) for _ in range(3))
    for p in range(3):
        trees = xgboost.XGBRegressor(
            objective="reg:quantileerror",
            quantile_alpha=list(QUANTILES),
            n_estimators=ROUNDS,
            max_depth=DEPTH,
            learning_rate=RATE,
            n_jobs=1,
        )
        trees.fit(features, links.reported[:, p] - links.reference[:, p])
        lower, median, upper = np.sort(trees.predict(at).astype(np.float64), axis=1).T
        value[:, p], minus[:, p], plus[:, p] = frame.reported[:, p] - median, upper - median, median - lower
    return value, minus, plus


METHODS: dict[str, Method] = {
    "raw": raw,
    "offset": offset,
    "linear": linear,
    "quadratic": quadratic,
    "XGBoost": plain_xgboost,
}


def _polynomial(links: Links, frame: Frame, wanted: int) -> Answer:
    """Return what a polynomial of this degree gives, or of the highest that the stars in common allow."""
    degree = max(k for k in range(wanted + 1) if k == 0 or links.stars >= STARS_PER_COEFFICIENT * COEFFICIENTS[k])
    known = np.isfinite(frame.reported).all(axis=1)
    value, half = np.full_like(frame.reported, np.nan), np.full_like(frame.reported, np.nan)
    for p in range(3):
        target = links.reported[:, p] - links.reference[:, p]
        if degree == 0:
            value[:, p], half[:, p] = frame.reported[:, p] - np.median(target), scatter(target)
            continue
        model, spread = _ridge(links.reported, target, degree)
        value[known, p], half[:, p] = frame.reported[known, p] - model.predict(frame.reported[known]), spread
    return value, half, half


def _ridge(features: Floats, target: Floats, degree: int) -> tuple[Pipeline, float]:
    """Return the fit without the stars that are far off a first one, and the scatter of what is left."""
    kept = np.ones(len(target), dtype=bool)
    for _ in range(2):
        model = make_pipeline(StandardScaler(), PolynomialFeatures(degree), Ridge(1.0))
        model.fit(features[kept], target[kept])
        residual = target - model.predict(features)
        kept = np.abs(residual) < CLIPPED * scatter(residual)
    return model, scatter(residual)
