"""Is the calibrated scale one scale? Constants of all surveys at once, and every link predicted from the others.

A loop of links that does not close says that something is wrong, not what; and where one link outweighs the others it
closes well enough. So each link is left out and predicted (`leave_one_link_out`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.calibration.network_gls import HUBER_SIGMAS, solve
from app.science.calibration.network_sightings import Sightings

MEAN_STEPS = 20


@dataclass(frozen=True)
class Shift:
    """How far a survey's calibrated values lie from the scale.

    Attributes:
        survey: its name.
        stars: of them in common with other surveys.
        shift: survey less scale.
        error: standard error of the shift.
        stated: standard error that its calibration claims for the zero point.
        pull: the shift in units of both errors together.
        extra: scatter beyond the stated errors of single values.
    """

    survey: str
    stars: int
    shift: float
    error: float
    stated: float
    pull: float
    extra: float


@dataclass(frozen=True)
class LinkTest:
    """One link and what all others say of it.

    Attributes:
        survey: one end.
        other: the other end.
        stars: in common.
        observed: mean difference survey - other on these stars.
        observed_error: its standard error.
        predicted: the same from the surveys' constants, fitted without the link; NaN where no other path exists.
        predicted_error: its standard error.
        pull: observed less predicted in units of both errors.
    """

    survey: str
    other: str
    stars: int
    observed: float
    observed_error: float
    predicted: float
    predicted_error: float
    pull: float


def audit(seen: Sightings, stated: Floats | None = None) -> list[Shift]:
    """Fit a constant to every survey but the anchors by star-level generalized least squares.

    A calibration that holds gives shifts below 2 in units of their errors. `stated` (S,) are the standard errors that
    calibration claims for zero points; they count where the stars are others than those that were fitted.

    Raises:
        ValueError: a survey has no path to an anchor.

    >>> rng = np.random.default_rng(1)
    >>> star = np.repeat(np.arange(400), 2)
    >>> survey = np.tile([0, 1], 400)
    >>> value = 0.1 * survey + rng.normal(0, 0.05, 800)
    >>> seen = Sightings(("a", "b"), np.array([True, False]), survey, star, value, np.full(800, 0.05))
    >>> [shift] = audit(seen)
    >>> abs(shift.shift - 0.1) < 3 * shift.error
    True
    """
    solution = seen.fitted()
    claims = np.zeros(len(seen.names)) if stated is None else stated
    counts = np.bincount(seen.survey, minlength=len(seen.names))
    shifts = []
    for column, s in enumerate(np.flatnonzero(~seen.anchors)):
        shift, error = float(solution.theta[column]), float(np.sqrt(solution.covariance[column, column]))
        pull = shift / float(np.hypot(error, claims[s]))
        extra = float(np.sqrt(solution.extra[s]))
        shifts.append(Shift(seen.names[s], int(counts[s]), shift, error, float(claims[s]), pull, extra))
    return shifts


def leave_one_link_out(seen: Sightings, *, fewest: int = 3) -> list[LinkTest]:
    """Predict the mean difference of every two surveys from all stars but those on which they meet.

    On stars in common to the two, both values are taken out, so that prediction and observation share none. Error
    sizes are those of the whole network; which stars are outliers is judged on either side by itself.

    Args:
        seen: the sightings.
        fewest: stars in common below which a link is not tested.

    Raises:
        ValueError: a survey has no path to an anchor.
    """
    whole = seen.fitted()
    variance, robust = whole.variance, whole.weight * whole.variance
    sizes = np.full((seen.stars, len(seen.names)), np.nan)
    values = np.full_like(sizes, np.nan)
    sizes[seen.star, seen.survey], values[seen.star, seen.survey] = variance, seen.value
    tests = []
    for a in range(len(seen.names)):
        for b in range(a):
            common = np.isfinite(sizes[:, a] + sizes[:, b])
            if common.sum() < fewest:
                continue
            difference, spread = (values[:, a] - values[:, b])[common], (sizes[:, a] + sizes[:, b])[common]
            observed, observed_error = _mean(difference, spread)
            rest = ~(common[seen.star] & ((seen.survey == a) | (seen.survey == b)))
            predicted, error = _difference(seen, rest, variance, robust, a, b)
            pull = (observed - predicted) / float(np.hypot(observed_error, error))
            names = seen.names[a], seen.names[b]
            tests.append(LinkTest(*names, int(common.sum()), observed, observed_error, predicted, error, pull))
    return tests


def _mean(values: Floats, variance: Floats) -> tuple[float, float]:
    """Return Huber's M-estimate of the mean of values (n,) with known variances, and its standard error."""
    weight = 1.0 / variance
    for _ in range(MEAN_STEPS):
        mean = float(np.average(values, weights=weight))
        pull = np.abs(values - mean) / np.sqrt(variance)
        weight = np.minimum(1.0, HUBER_SIGMAS / np.maximum(pull, 1e-12)) / variance
    return mean, float(1.0 / np.sqrt(weight.sum()))


def _difference(
    seen: Sightings, rest: Booleans, variance: Floats, robust: Floats, a: int, b: int
) -> tuple[float, float]:
    """Return z_a - z_b and its error by the sightings `rest` (n,), NaN where these do not join the two."""
    system = seen.system()
    part = system.where(rest)
    joined = _joined(seen, rest, a)
    if not joined[b]:
        return float("nan"), float("nan")
    # Only surveys with a path to `a` matter; with no anchor among them one of them is held in an anchor's stead.
    held = seen.anchors if (seen.anchors & joined).any() else np.arange(len(seen.names)) == b
    used = joined[system.owner] & ~held[system.owner]
    inside = joined[part.survey]
    part = part.where(inside).with_columns(used)
    solution = solve(part, variance=variance[rest][inside], robust=robust[rest][inside])
    sign = (part.owner == a).astype(np.float64) - (part.owner == b)
    return float(sign @ solution.theta), float(np.sqrt(sign @ solution.covariance @ sign))


def _joined(seen: Sightings, rest: Booleans, a: int) -> Booleans:
    """Return the surveys that the sightings `rest` tie to survey `a`, anchors tied to each other, (S,)."""
    there = np.zeros((seen.stars, len(seen.names)))
    there[seen.star[rest], seen.survey[rest]] = 1.0
    tied = (there.T @ there) > 0
    tied |= np.outer(seen.anchors, seen.anchors)
    reached = np.arange(len(seen.names)) == a
    for _ in seen.names:
        reached = reached | tied[reached].any(axis=0)
    return np.asarray(reached)
