"""The conformal step: quantiles of a model are moved until, on stars it never saw, they hold what they promise.

Conformalized quantile regression (Romano, Patterson & Candes 2019) as MAPIE does it, with a correction of its own
for each tail, so that intervals stay asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mapie.regression import ConformalizedQuantileRegressor
from sklearn.base import BaseEstimator, RegressorMixin

from app.science.arrays import Floats, Integers
from app.science.calibration.cells import ONE_CELL, Cells
from app.science.calibration.quantile_model import QUANTILES

CONFIDENCE = QUANTILES[2] - QUANTILES[0]
FEWEST_STARS = 12
"""Below this the corrected quantile of one tail is the largest residual itself, or beyond the sample."""

FEWEST_IN_CELL = 200
"""Below this a cell's own correction is noisier (4 % of coverage) than what it corrects."""


@dataclass(frozen=True)
class TailShifts:
    """What is added to the lower and to the upper quantile."""

    lower: float
    upper: float


@dataclass(frozen=True)
class Tails:
    """The shifts of every cell (Mondrian conformal prediction: Vovk, Lindsay, Nouretdinov & Gammerman 2003)."""

    cells: Cells
    shifts: tuple[TailShifts, ...]

    def apply(self, quantiles: Floats, features: Floats) -> Floats:
        """Return quantiles (n, 3) at features (n, k) with both tails moved; the median stays inside."""
        cell = self.cells.of(features)
        lower, upper = (np.array([getattr(shift, side) for shift in self.shifts])[cell] for side in ("lower", "upper"))
        return np.column_stack(
            [
                np.minimum(quantiles[:, 0] + lower, quantiles[:, 1]),
                quantiles[:, 1],
                np.maximum(quantiles[:, 2] + upper, quantiles[:, 1]),
            ]
        )


UNMOVED = Tails(ONE_CELL, (TailShifts(0.0, 0.0),))


class _Column(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """An estimator that has predicted already: it returns one column of the quantiles handed to it."""

    def __init__(self, column: int) -> None:
        self.column = column
        self.n_features_in_ = len(QUANTILES)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Floats, y: Floats) -> _Column:  # noqa: ARG002 - scikit-learn's signature
        """Do nothing: the model behind the column is fitted."""
        return self

    def predict(self, X: Floats) -> Floats:
        """Return the column."""
        return np.asarray(X)[:, self.column]


def conformalize(quantiles: Floats, target: Floats) -> TailShifts:
    """Return the shifts that make the interval hold 68 % of `target` (n,), 16 % beyond each tail.

    Args:
        quantiles: predicted 16, 50 and 84 % quantiles of stars that were not used for fitting, (n, 3).
        target: what was to be predicted, (n,).

    Raises:
        ValueError: fewer than 12 stars.
    """
    if len(target) < FEWEST_STARS:
        raise ValueError(f"{len(target)} stars are too few for the conformal step, {FEWEST_STARS} are needed")
    columns = [_Column(0), _Column(2), _Column(1)]  # MAPIE's order: lower, upper, median
    regressor = ConformalizedQuantileRegressor(columns, confidence_level=CONFIDENCE, prefit=True)
    regressor.conformalize(quantiles, target)
    reach = 1e3 * (np.ptp(target) + np.ptp(quantiles) + 1.0)  # wide enough that the shifted ends stay in order
    _, interval = regressor.predict_interval(np.array([[-reach, 0.0, reach]]))
    return TailShifts(float(interval[0, 0, 0]) + reach, float(interval[0, 1, 0]) - reach)


def conformalize_cells(quantiles: Floats, target: Floats, features: Floats, cells: Cells) -> Tails:
    """Return the shifts of every cell; one that holds too few stars gets those of all stars.

    Args:
        quantiles: predicted quantiles of stars that were not used for fitting, (n, 3).
        target: what was to be predicted, (n,).
        features: their features, (n, k).
        cells: the cells, grown on other stars.
    """
    everywhere = conformalize(quantiles, target)
    cell: Integers = cells.of(features)
    inside = [cell == number for number in range(cells.count)]
    enough = [stars.sum() >= FEWEST_IN_CELL for stars in inside]
    shifts = tuple(
        conformalize(quantiles[stars], target[stars]) if many else everywhere
        for stars, many in zip(inside, enough, strict=True)
    )
    return Tails(cells, shifts)
