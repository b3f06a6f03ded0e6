"""How far a survey's differences scatter, as a low-order function of the features: faint stars scatter farther."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import LowOrder, fit_low_order
from app.science.robust import scatter

FEWEST_FOR_SLOPES, FEWEST_FOR_BENDS = 200, 2000
BIN, MOST_BINS = 300, 16
"""Stars in a bin of a profile, whose width is known to 5 %, and how many bins there are at most."""
SHRINKAGE = 10.0
"""How many stars a width that is the same everywhere counts for."""


@dataclass(frozen=True)
class Profile:
    """What a low-order width leaves along one feature: its logarithm at some places, straight in between.

    Attributes:
        place: rising values of the feature, (b,).
        log_factor: natural logarithm of the factor there, (b,).
    """

    place: Floats
    log_factor: Floats

    def at(self, values: Floats) -> Floats:
        """Return the logarithm (n,) at values of the feature (n,)."""
        return np.interp(values, self.place, self.log_factor)


@dataclass(frozen=True)
class Width:
    """exp of a low-order polynomial, kept within the range that it takes among the training stars, times profiles.

    Attributes:
        log_width: natural logarithm of the width, None for a width of one everywhere.
        lowest: smallest logarithm.
        highest: largest logarithm.
        profiles: one a feature, none where stars are few.
    """

    log_width: LowOrder | None
    lowest: float
    highest: float
    profiles: tuple[Profile, ...] = ()

    def at(self, features: Floats) -> Floats:
        """Return the width (n,) at features (n, k)."""
        if self.log_width is None:
            return np.ones(len(features))
        logs = np.clip(self.log_width.predict(features), self.lowest, self.highest)
        inside = self.log_width.space.clip(features)
        for number, profile in enumerate(self.profiles):
            logs = logs + profile.at(inside[:, number])
        return np.exp(logs)


UNIT_WIDTH = Width(None, 0.0, 0.0)


def fit_width(features: Floats, residuals: Floats, weights: Floats, space: FeatureSpace) -> Width:
    """Learn the width of `residuals` (n,) at `features` (n, k) from the logarithms of their sizes.

    log |r| = log width + log |z|, and the shape of z is the same everywhere: a regression of log |r| gives the width up
    to a factor, which makes 1.48 MAD of r / width equal to one (Davidian & Carroll 1987).
    """
    centred = residuals - np.median(residuals)
    typical = max(scatter(residuals), 1e-9)
    degree = 0 if len(residuals) < FEWEST_FOR_SLOPES else 1 if len(residuals) < FEWEST_FOR_BENDS else 2
    logs = np.log(np.maximum(np.abs(centred), 0.02 * typical))
    fitted = fit_low_order(features, logs, weights, space, degree=degree, shrinkage=SHRINKAGE)
    predicted = fitted.predict(features)
    factor = max(scatter(centred / np.exp(predicted)), 1e-9)
    moved = np.concatenate([fitted.coefficients[:1] + np.log(factor), fitted.coefficients[1:]])
    lowest, highest = np.quantile(predicted, [0.01, 0.99]) + np.log(factor)
    width = Width(LowOrder(degree, moved, space), float(lowest), float(highest))
    return _profiled(width, features, centred, space) if degree == 2 else width


def _profiled(width: Width, features: Floats, residuals: Floats, space: FeatureSpace) -> Width:
    """Return the width with what it leaves along each feature, one feature after the other."""
    inside = space.clip(features)
    for column in inside.T:
        profile = _profile(column, residuals / width.at(features))
        width = replace(width, profiles=(*width.profiles, profile))
    return width


def _profile(values: Floats, scaled: Floats) -> Profile:
    """Return the logarithm of the 68 % half width of `scaled` (n,), over that of all, in bins of `values` (n,)."""
    order = np.argsort(values, kind="stable")
    bins = np.array_split(order, int(np.clip(len(values) // BIN, 1, MOST_BINS - 2)))
    ends = [order[:BIN], order[-BIN:]]  # the thin ends of a feature are where polynomials fail
    rows = [ends[0], *[part for part in bins if len(part) > 1], ends[1]]
    place = np.array([np.median(values[part]) for part in rows])
    widths = np.array([np.ptp(np.quantile(scaled[part], [0.16, 0.84])) for part in rows])
    rising = np.concatenate([[True], np.diff(place) > 0])
    logs = np.log(np.maximum(widths, 1e-6) / np.ptp(np.quantile(scaled, [0.16, 0.84])))
    return Profile(place[rising], logs[rising])
