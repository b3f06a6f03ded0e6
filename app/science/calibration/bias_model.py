"""The model of one parameter's systematic difference in one survey: a low-order base, trees on top, conformal tails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.conformal import UNMOVED, Tails
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import LowOrder, fit_low_order
from app.science.calibration.quantile_model import QUANTILES, QuantileTrees, fit_quantile_trees
from app.science.calibration.settings import BoostSettings
from app.science.calibration.width import UNIT_WIDTH, Width, fit_width


class Kind(StrEnum):
    """How much a model can bend, from nothing to trees; identity is the reference itself."""

    IDENTITY = "identity"
    CONSTANT = "constant"
    LINEAR = "linear"
    QUADRATIC = "quadratic"
    BOOSTED = "boosted"


ENOUGH_FOR_MEDIAN = 200
DEGREES = {Kind.CONSTANT: 0, Kind.LINEAR: 1, Kind.QUADRATIC: 2, Kind.BOOSTED: 2}


@dataclass(frozen=True)
class BiasModel:
    """Quantiles of survey - reference as a function of the features.

    bias = base + width x quantiles: the base is where the difference lies, the width how far it scatters there, and
    the quantiles of the scatter, in units of the width, come from trees or are the same everywhere.

    Attributes:
        kind: identity, constant, linear, quadratic or boosted (quadratic base plus trees).
        base: the low-order part, None for identity.
        width: the scatter about the base.
        trees: the boosted part, None for all other kinds.
        residual_quantiles: 16, 50, 84 % quantiles of the residuals in units of the width, (3,); used without trees.
        tails: the conformal correction, in units of the width.
    """

    kind: Kind
    base: LowOrder | None
    width: Width
    trees: QuantileTrees | None
    residual_quantiles: Floats
    tails: Tails

    def quantiles(self, features: Floats) -> Floats:
        """Return conformalized quantiles (n, 3) of the bias at features (n, k)."""
        if self.base is None:
            return np.zeros((len(features), len(QUANTILES)))
        moved = self.tails.apply(self.raw_quantiles(features), self.base.space.clip(features))
        return self.base.predict(features)[:, None] + self.width.at(features)[:, None] * moved

    def median(self, features: Floats) -> Floats:
        """Return the median bias (n,) at features (n, k)."""
        if self.base is None:
            return np.zeros(len(features))
        return self.base.predict(features) + self.width.at(features) * self.raw_quantiles(features)[:, 1]

    def raw_quantiles(self, features: Floats) -> Floats:
        """Return quantiles (n, 3) of the scatter about the base, in units of the width, before the conformal step."""
        if self.trees is None or self.base is None:
            return np.tile(self.residual_quantiles, (len(features), 1))
        return self.trees.predict(self.base.space.clip(features))

    def standardized(self, features: Floats, target: Floats) -> Floats:
        """Return `target` (n,), a bias at features (n, k), as scatter about the base in units of the width."""
        if self.base is None:
            return target
        return (target - self.base.predict(features)) / self.width.at(features)


IDENTITY = BiasModel(Kind.IDENTITY, None, UNIT_WIDTH, None, np.zeros(3), UNMOVED)
"""The model of a parameter that defines the reference scale."""


def fit_bias(
    kind: Kind,
    features: Floats,
    target: Floats,
    weights: Floats,
    space: FeatureSpace,
    *,
    boost: BoostSettings,
    seed: int,
    shrinkage: float = 1.0,
    holdout: Floats | None = None,
) -> BiasModel:
    """Fit a model of one kind to survey - reference (n,) at features (n, k); its tails are not yet conformal."""
    if kind is Kind.IDENTITY:
        return IDENTITY
    base = fit_low_order(features, target, weights, space, degree=DEGREES[kind], shrinkage=shrinkage)
    residuals = target - base.predict(features)
    width = fit_width(features, residuals, weights, space)
    scaled = residuals / width.at(features)
    lower, middle, upper = np.quantile(scaled, QUANTILES)
    # Huber's location is the steadier centre where stars are few; that of a skewed error is not its median.
    spread = np.array([lower, middle if len(scaled) >= ENOUGH_FOR_MEDIAN else 0.0, upper])
    if kind is not Kind.BOOSTED:
        return BiasModel(kind, base, width, None, spread, UNMOVED)
    trees = fit_quantile_trees(
        space.clip(features), scaled, weights, space.names, settings=boost, scale=1.0, seed=seed, holdout=holdout
    )
    return BiasModel(kind, base, width, trees, spread, UNMOVED)
