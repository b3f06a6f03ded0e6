"""Which kind of model a survey's links can carry: cross-validation over stars with the one-standard-error rule.

Of the kinds whose held-out pinball loss is within one standard error of the best, the simplest is taken
(Breiman et al. 1984, Hastie et al. 2009 section 7.10); the error is that of the paired difference over stars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.calibration.bias_model import Kind, fit_bias
from app.science.calibration.features import FeatureSpace
from app.science.calibration.quantile_model import QUANTILES, pinball_loss
from app.science.calibration.settings import BoostSettings

STARS_PER_COEFFICIENT = 4
FEWEST_FOR_TREES = 200


@dataclass(frozen=True)
class Selection:
    """The chosen kind, the mean held-out pinball loss of every kind tried, and what the chosen one said left out.

    `left_out` (n, 3) are the quantiles of each judged star by the model that was fitted without the star's fold.
    """

    kind: Kind
    losses: dict[str, float]
    left_out: Floats


def candidates(stars: int, features: int) -> list[Kind]:
    """Return the kinds that `stars` links can carry at all, simplest first.

    >>> [str(kind) for kind in candidates(10, 3)]
    ['constant']
    """
    kinds = [Kind.CONSTANT]
    if stars >= STARS_PER_COEFFICIENT * (1 + features):
        kinds.append(Kind.LINEAR)
    if stars >= STARS_PER_COEFFICIENT * (1 + features) * (2 + features) / 2:
        kinds.append(Kind.QUADRATIC)
    if stars >= FEWEST_FOR_TREES:
        kinds.append(Kind.BOOSTED)
    return kinds


def select_kind(
    features: Floats,
    target: Floats,
    weights: Floats,
    folds: Integers,
    space: FeatureSpace,
    kinds: list[Kind],
    *,
    boost: BoostSettings,
    seed: int,
    shrinkage: float,
    holdout: Floats | None = None,
) -> Selection:
    """Choose among `kinds` (simplest first) for survey - reference (n,) at features (n, k).

    Args:
        features: features of the training stars, (n, k).
        target: survey - reference, (n,).
        weights: weight of each spectrum, 1 over the number of the star's spectra, (n,).
        folds: the fold of each star, the same for all its spectra, negative for stars that are never judged, (n,).
        space: the feature space.
        kinds: what to try.
        boost: tree settings.
        seed: of the trees.
        shrinkage: of the low-order models.
        holdout: 1 for stars that decide when boosting stops, (n,); None where every round is used.
    """
    left_out = {
        kind: _left_out_quantiles(kind, features, target, weights, folds, space, boost, seed, shrinkage, holdout)
        for kind in kinds
    }
    judged = folds >= 0
    losses = {kind: pinball_loss(target[judged], quantiles[judged]) for kind, quantiles in left_out.items()}
    weights = weights[judged]
    best = min(kinds, key=lambda kind: float(np.average(losses[kind], weights=weights)))
    chosen = next(kind for kind in kinds if _within_one_error(losses[kind], losses[best], weights))
    means = {str(kind): float(np.average(loss, weights=weights)) for kind, loss in losses.items()}
    return Selection(chosen, means, left_out[chosen])


def _left_out_quantiles(
    kind: Kind,
    features: Floats,
    target: Floats,
    weights: Floats,
    folds: Integers,
    space: FeatureSpace,
    boost: BoostSettings,
    seed: int,
    shrinkage: float,
    holdout: Floats | None,
) -> Floats:
    quantiles = np.full((len(target), len(QUANTILES)), np.nan)
    for fold in np.unique(folds[folds >= 0]):
        inside, outside = folds == fold, folds != fold
        model = fit_bias(
            kind,
            features[outside],
            target[outside],
            weights[outside],
            space,
            boost=boost,
            seed=seed,
            shrinkage=shrinkage,
            holdout=None if holdout is None else holdout[outside],
        )
        quantiles[inside] = model.quantiles(features[inside])
    return quantiles


def _within_one_error(loss: Floats, best: Floats, weights: Floats) -> bool:
    difference = loss - best
    mean = float(np.average(difference, weights=weights))
    error = float(np.sqrt(np.average((difference - mean) ** 2, weights=weights) / max(weights.sum() - 1, 1)))
    return mean <= error
