"""The model of one parameter's systematic difference in one survey: a low-order base, trees on top, conformal tails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.conformal import TailShifts
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import LowOrder, fit_low_order
from app.science.calibration.quantile_model import QUANTILES, QuantileTrees, fit_quantile_trees
from app.science.calibration.settings import BoostSettings
from app.science.robust import scatter


class Kind(StrEnum):
    """How much a model can bend, from nothing to trees; identity is the reference itself."""

    IDENTITY = "identity"
    CONSTANT = "constant"
    LINEAR = "linear"
    QUADRATIC = "quadratic"
    BOOSTED = "boosted"


DEGREES = {Kind.CONSTANT: 0, Kind.LINEAR: 1, Kind.QUADRATIC: 2, Kind.BOOSTED: 2}


@dataclass(frozen=True)
class BiasModel:
    """Quantiles of survey - reference as a function of the features.

    Attributes:
        kind: identity, constant, linear, quadratic or boosted (quadratic base plus trees).
        base: the low-order part, None for identity.
        trees: the boosted part, None for all other kinds.
        residual_quantiles: 16, 50, 84 % quantiles of the base's residuals, (3,); used where there are no trees.
        shifts: the conformal correction of the tails.
    """

    kind: Kind
    base: LowOrder | None
    trees: QuantileTrees | None
    residual_quantiles: Floats
    shifts: TailShifts

    def quantiles(self, features: Floats) -> Floats:
        """Return conformalized quantiles (n, 3) of the bias at features (n, k)."""
        return self.shifts.apply(self.raw_quantiles(features))

    def raw_quantiles(self, features: Floats) -> Floats:
        """Return the quantiles (n, 3) before the conformal correction."""
        if self.base is None:
            return np.zeros((len(features), len(QUANTILES)))
        base = self.base.predict(features)[:, None]
        if self.trees is None:
            return base + self.residual_quantiles
        return base + self.trees.predict(self.base.space.clip(features))


IDENTITY = BiasModel(Kind.IDENTITY, None, None, np.zeros(3), TailShifts(0.0, 0.0))
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
    spread = np.quantile(residuals, QUANTILES)
    if kind is not Kind.BOOSTED:
        return BiasModel(kind, base, None, spread, TailShifts(0.0, 0.0))
    trees = fit_quantile_trees(
        space.clip(features),
        residuals,
        weights,
        space.names,
        settings=boost,
        scale=max(scatter(residuals), 1e-6),
        seed=seed,
        holdout=holdout,
    )
    return BiasModel(kind, base, trees, spread, TailShifts(0.0, 0.0))
