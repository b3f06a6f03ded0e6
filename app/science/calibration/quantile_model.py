"""Boosted trees for three quantiles at once: XGBoost with pinball loss on the residuals of a low-order base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xgboost

from app.science.arrays import Floats
from app.science.calibration.settings import BoostSettings

QUANTILES = (0.16, 0.50, 0.84)


@dataclass(frozen=True)
class QuantileTrees:
    """A booster that gives the 16, 50 and 84 % quantiles of a residual in units of `scale`."""

    booster: xgboost.Booster
    names: tuple[str, ...]
    scale: float

    def predict(self, features: Floats) -> Floats:
        """Return quantiles (n, 3) at features (n, k), in rising order."""
        data = xgboost.DMatrix(features.astype(np.float32), feature_names=list(self.names), nthread=1)
        predicted = np.asarray(self.booster.predict(data), dtype=np.float64).reshape(len(features), len(QUANTILES))
        return np.sort(predicted, axis=1) * self.scale


def fit_quantile_trees(
    features: Floats,
    residuals: Floats,
    weights: Floats,
    names: tuple[str, ...],
    *,
    settings: BoostSettings,
    scale: float,
    seed: int,
    holdout: Floats | None = None,
) -> QuantileTrees:
    """Fit the quantiles of `residuals` (n,) at `features` (n, k).

    `holdout` (n,) of zeros and ones marks the stars that decide when to stop and are not fitted; without it every
    round is used. One thread: parallel runs belong to the models, and one thread makes the same bytes every time.
    """
    parameters = {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(QUANTILES),
        "multi_strategy": "multi_output_tree",
        "tree_method": "hist",
        "max_depth": settings.depth,
        "learning_rate": settings.learning_rate,
        "min_child_weight": settings.min_child_weight,
        "num_parallel_tree": settings.forest,
        "subsample": settings.subsample,
        "colsample_bynode": settings.features,
        "nthread": 1,
        "seed": seed,
    }
    fitted = np.ones(len(residuals), dtype=bool) if holdout is None else holdout == 0
    data = _matrix(features[fitted], residuals[fitted] / scale, weights[fitted], names)
    if holdout is None:
        booster = xgboost.train(parameters, data, num_boost_round=settings.rounds)
        return QuantileTrees(booster, names, scale)
    judged = _matrix(features[~fitted], residuals[~fitted] / scale, weights[~fitted], names)
    booster = xgboost.train(
        parameters,
        data,
        num_boost_round=settings.rounds,
        evals=[(judged, "holdout")],
        early_stopping_rounds=settings.patience,
        verbose_eval=False,
    )
    return QuantileTrees(booster[: booster.best_iteration + 1], names, scale)


def pinball_loss(target: Floats, quantiles: Floats) -> Floats:
    """Return the pinball loss (n,) of predicted quantiles (n, 3), summed over the three.

    Koenker & Bassett 1978: alpha (y - q) above the quantile, (1 - alpha) (q - y) below it.

    >>> pinball_loss(np.array([1.0]), np.zeros((1, 3))).round(6).tolist()
    [1.5]
    """
    error = target[:, None] - quantiles
    alpha = np.asarray(QUANTILES)
    return np.asarray(np.maximum(alpha * error, (alpha - 1) * error).sum(axis=1))


def _matrix(features: Floats, target: Floats, weights: Floats, names: tuple[str, ...]) -> xgboost.DMatrix:
    return xgboost.DMatrix(
        features.astype(np.float32), label=target, weight=weights, feature_names=list(names), nthread=1
    )
