"""How far a correction would move if other stars had been observed: the same model fitted to parts of the stars.

Accuracy is judged on stars left out; stability is judged by the spread of the corrections themselves over the stars to
which they will be applied. A model that bends more is only worth having where both are good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel, Kind, fit_bias
from app.science.calibration.features import FeatureSpace
from app.science.calibration.links import Links, folds_of
from app.science.calibration.settings import BoostSettings

ENOUGH_FOR_HALVES = 1500
GROUPS = 6
"""Of the jackknife, for fewer stars."""
MOST_PROBES = 5000


@dataclass(frozen=True)
class Refit:
    """Fits one kind of model with fixed settings."""

    kind: Kind
    space: FeatureSpace
    boost: BoostSettings
    seed: int
    shrinkage: float

    def __call__(self, features: Floats, target: Floats, weights: Floats, holdout: Floats | None) -> BiasModel:
        """Return the model of `target` (n,) at `features` (n, k)."""
        return fit_bias(
            self.kind,
            features,
            target,
            weights,
            self.space,
            boost=self.boost,
            seed=self.seed,
            shrinkage=self.shrinkage,
            holdout=holdout,
        )


def spread_of_refits(refit: Refit, training: Links, target: Floats, features: Floats, probes: Floats) -> float:
    """Return the root mean square over `probes` (m, k) of the standard error of the correction.

    Many stars: two halves, whose corrections differ by twice the error of the whole. Few: the delete-a-group jackknife
    (Kott 2001), whose variance is (G - 1)/G times the sum of squared departures from the mean of G corrections.
    """
    probes = probes[:: max(1, len(probes) // MOST_PROBES)]
    halves = training.stars >= ENOUGH_FOR_HALVES
    groups = 2 if halves else GROUPS
    folds = folds_of(training.star + 7, groups)
    medians = []
    for group in range(groups):
        kept = folds != group
        if kept.sum() < 2:
            return float("nan")
        holdout = np.where(folds_of(training.star[kept] + 1, 7) == 0, 1.0, 0.0) if refit.boost.patience else None
        medians.append(refit(features[kept], target[kept], training.weights[kept], holdout).median(probes))
    corrections = np.array(medians)
    if halves:
        return float(np.sqrt(np.mean(np.square(corrections[0] - corrections[1])))) / 2.0
    variance = (groups - 1) / groups * np.square(corrections - corrections.mean(axis=0)).sum(axis=0)
    return float(np.sqrt(variance.mean()))
