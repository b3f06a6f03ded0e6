"""The reference's share of the scatter, taken out link by link before anything is learnt of the survey's errors.

A survey's differences to the reference scatter by its own noise and by the reference's. The second is not the same
everywhere: a reference sees faint stars less well, and these are the stars that the survey sees less well, too. So each
link is drawn towards the typical difference of such stars by the factor that leaves the survey's variance alone,

    sqrt(1 - V / s^2),

V the variance of the reference about the truth for this link and s the scatter of the differences of such stars. Shape
and asymmetry of the survey's errors stay. Never more than half of the variance is taken out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.bias_model import Kind, fit_bias
from app.science.calibration.features import FeatureSpace, stack
from app.science.calibration.links import Links
from app.science.calibration.selection import FEWEST_FOR_TREES, candidates
from app.science.calibration.settings import BoostSettings

LEAST_SHARE = 0.5
"""Of the variance that stays with the survey, lest an error be called zero."""
ENOUGH_FOR_TREES = 10 * FEWEST_FOR_TREES
_TYPICAL = BoostSettings(rounds=80, depth=4, learning_rate=0.1, min_child_weight=150.0, forest=1, patience=0)


def with_own_scatter(links: Links, space: FeatureSpace, *, shrinkage: float, seed: int) -> Links:
    """Return links whose reported values scatter about the typical difference as the survey alone makes them.

    Args:
        links: spectra with known reference errors, (n,).
        space: of the features (reference, nuisance).
        shrinkage: of low-order models.
        seed: of the trees.
    """
    features = stack(links.reference, links.nuisance)
    kinds = candidates(links.stars, features.shape[1])
    kind = Kind.BOOSTED if links.stars >= ENOUGH_FOR_TREES else kinds[min(2, len(kinds) - 1)]
    reported = links.reported.copy()
    for p in range(3):
        target = links.reported[:, p] - links.reference[:, p]
        typical = fit_bias(
            kind, features, target, links.weights, space, boost=_TYPICAL, seed=seed + p, shrinkage=shrinkage
        )
        centre = typical.median(features)
        share = own_share(links.reference_error[:, p], typical.width.at(features))
        reported[:, p] = links.reference[:, p] + centre + np.sqrt(share) * (target - centre)
    return replace(links, reported=reported)


def own_share(reference_error: Floats, scatter: Floats) -> Floats:
    """Return which share of a variance is the survey's own, (n,).

    >>> own_share(np.array([3.0, 30.0]), np.array([5.0, 5.0])).tolist()
    [0.64, 0.5]
    """
    return np.maximum(1.0 - np.square(reference_error / scatter), LEAST_SHARE)
