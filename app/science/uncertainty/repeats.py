"""The true error of a survey from stars that it observed more than once.

Two spectra of one star differ by their errors alone: |x_i - x_j| / sqrt(2) is a draw of one error. Its scatter against
the quoted error gives the error model sigma^2 = k^2 e^2 + floor^2. Each star counts once, however often it was
observed: its pairs share a weight of one. Errors that come back with every spectrum of a star (its own line list, its
rotation) do not show in repeats: what they give is a lower limit to the error about the truth.

Scatter is 1.48 x the median |difference|, so that a few bad spectra do not count; bins of the quoted error are fitted
by weighted least squares with k^2 and floor^2 not below zero; errors are bootstrapped over stars. Differences of errors
with heavy tails scatter a little more than the errors: by 7 % for Student's t with 5 degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import MAD_TO_SIGMA

MOST_SPECTRA = 10
"""Of a star: its pairs beyond these are left out."""
FEWEST_IN_BIN = 40
MOST_BINS = 10
NARROW = 1.25
"""Quoted errors within this factor (16 to 84 %) cannot tell a factor from a floor: the floor is called zero."""


@dataclass(frozen=True)
class RepeatPairs:
    """Pairs of spectra of one star.

    Attributes:
        star: star number, (m,).
        difference: of the two values over sqrt(2), (m,).
        quoted: root mean square of the two quoted errors, NaN where not quoted, (m,).
        weight: 1 / number of the star's pairs, (m,).
        first: place of one spectrum, (m,).
        second: place of the other, (m,).
    """

    star: Integers
    difference: Floats
    quoted: Floats
    weight: Floats
    first: Integers
    second: Integers

    @property
    def stars(self) -> int:
        """How many stars there are."""
        return len(np.unique(self.star))

    def where(self, rows: Booleans) -> RepeatPairs:
        """Return the pairs that `rows` (m,) selects; those left of a star share its weight of one."""
        star = self.star[rows]
        weight = _shares(star)
        return RepeatPairs(star, self.difference[rows], self.quoted[rows], weight, self.first[rows], self.second[rows])


@dataclass(frozen=True)
class RepeatError:
    """What repeats say of a survey's error in one parameter.

    Attributes:
        stars: number of stars with two spectra or more.
        scatter: typical true error of one spectrum, with its bootstrap error.
        quoted: typical quoted error, NaN where none is quoted.
        k: factor on the quoted error, NaN where none is quoted, with its bootstrap error.
        floor: added in quadrature, with its bootstrap error.
        separable: whether quoted errors differ enough to tell a factor from a floor.
    """

    stars: int
    scatter: float
    scatter_error: float
    quoted: float
    k: float
    k_error: float
    floor: float
    floor_error: float
    separable: bool


def repeat_pairs(star: Integers, value: Floats, quoted: Floats) -> RepeatPairs:
    """Return the pairs of spectra (n,) of each star; spectra without a value are left out.

    >>> pairs = repeat_pairs(np.array([1, 2, 1, 1]), np.array([0.0, 9.0, 3.0, 1.0]), np.ones(4))
    >>> pairs.difference.round(2).tolist(), pairs.weight.round(2).tolist()
    ([2.12, -1.41, 0.71], [0.33, 0.33, 0.33])
    """
    known = np.flatnonzero(np.isfinite(value))
    order = known[np.argsort(star[known], kind="stable")]
    first, second = [], []
    for lag in range(1, MOST_SPECTRA):
        same = np.flatnonzero(star[order[lag:]] == star[order[:-lag]])
        if not len(same):
            break
        first.append(order[same])
        second.append(order[same + lag])
    one = np.concatenate(first) if first else np.zeros(0, np.int64)
    other = np.concatenate(second) if second else np.zeros(0, np.int64)
    difference = (value[other] - value[one]) / np.sqrt(2.0)
    rms = np.sqrt(0.5 * (quoted[one] ** 2 + quoted[other] ** 2))
    return RepeatPairs(star[one], difference, rms, _shares(star[one]), one, other)


def error_from_repeats(pairs: RepeatPairs, *, rng: np.random.Generator, draws: int = 200) -> RepeatError:
    """Fit sigma^2 = k^2 e^2 + floor^2 to pairs of spectra.

    Args:
        pairs: at least three stars.
        rng: of the bootstrap over stars.
        draws: of the bootstrap.

    Raises:
        ValueError: fewer than three stars have two spectra.
    """
    if pairs.stars < 3:
        raise ValueError(f"{pairs.stars} stars with two spectra, 3 are needed")
    _, place = np.unique(pairs.star, return_inverse=True)
    resampled = rng.multinomial(pairs.stars, np.full(pairs.stars, 1.0 / pairs.stars), size=draws)[:, place]
    weights = np.vstack([np.ones(len(place)), resampled]) * pairs.weight
    overall = weighted_scatters(pairs.difference, weights)
    known = np.isfinite(pairs.quoted) & (pairs.quoted > 0.0)
    quoted = float(np.median(pairs.quoted[known])) if known.any() else float("nan")
    if known.sum() < 2 * FEWEST_IN_BIN:
        size, error = float(overall[0]), float(overall[1:].std(ddof=1))
        return RepeatError(pairs.stars, size, error, quoted, *(float("nan"),) * 2, size, error, separable=False)
    low, high = np.quantile(pairs.quoted[known], [0.16, 0.84])
    separable = bool(high > NARROW * low)
    fits = _fit_bins(pairs.difference[known], pairs.quoted[known], weights[:, known], with_floor=separable)
    errors = fits[1:].std(axis=0, ddof=1)
    return RepeatError(
        stars=pairs.stars,
        scatter=float(overall[0]),
        scatter_error=float(overall[1:].std(ddof=1)),
        quoted=quoted,
        k=float(fits[0, 0]),
        k_error=float(errors[0]),
        floor=float(fits[0, 1]),
        floor_error=float(errors[1]),
        separable=separable,
    )


def weighted_scatters(difference: Floats, weights: Floats) -> Floats:
    """Return 1.48 x the weighted median |difference| (m,) for each row of weights (b, m), (b,).

    >>> weighted_scatters(np.array([1.0, -1.0, 1.0]), np.ones((1, 3))).round(4).tolist()
    [1.4826]
    """
    size = np.abs(difference)
    order = np.argsort(size)
    total = np.cumsum(weights[:, order], axis=1)
    middle = np.argmax(total >= 0.5 * total[:, -1:], axis=1)
    return np.asarray(MAD_TO_SIGMA * size[order][middle])


def _shares(star: Integers) -> Floats:
    _, place, count = np.unique(star, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[place])


def _fit_bins(difference: Floats, quoted: Floats, weights: Floats, *, with_floor: bool) -> Floats:
    """Return k and floor (b, 2) for each row of weights (b, m)."""
    bins = int(np.clip(weights[0].sum() / FEWEST_IN_BIN, 1, MOST_BINS))
    edges = np.quantile(quoted, np.linspace(0.0, 1.0, bins + 1))
    place = np.clip(np.searchsorted(edges, quoted, side="right") - 1, 0, bins - 1)
    kept = [rows for rows in (np.flatnonzero(place == b) for b in range(bins)) if len(rows)]
    variance = np.stack([weighted_scatters(difference[rows], weights[:, rows]) ** 2 for rows in kept], axis=1)
    typical = np.array([np.median(quoted[rows] ** 2) for rows in kept])
    count = np.array([weights[0, rows].sum() for rows in kept])
    model = variance
    for _ in range(4):
        # The error of a variance is as large as the variance itself, over the root of the number of stars.
        slope, constant = _line(typical, variance, count / np.maximum(model, 1e-12 * variance.max()) ** 2, with_floor)
        model = slope[:, None] * typical + constant[:, None]
    return np.sqrt(np.stack([slope, constant], axis=1))


def _line(x: Floats, y: Floats, weight: Floats, with_floor: bool) -> tuple[Floats, Floats]:
    """Return slope and constant (b,) of the weighted lines through (x, y) (c,), (b, c), neither below zero."""
    total, mean_x, mean_y = weight.sum(axis=1), (weight * x).sum(axis=1), (weight * y).sum(axis=1)
    mean_xx, mean_xy = (weight * x * x).sum(axis=1), (weight * x * y).sum(axis=1)
    through_zero = mean_xy / mean_xx
    if not with_floor or len(x) < 2:
        return through_zero, np.zeros(len(y))
    slope = (total * mean_xy - mean_x * mean_y) / (total * mean_xx - mean_x**2)
    constant = (mean_y - slope * mean_x) / total
    flat, steep = slope < 0.0, constant < 0.0
    constant = np.where(flat, mean_y / total, np.where(steep, 0.0, constant))
    slope = np.where(flat, 0.0, np.where(steep, through_zero, slope))
    return slope, constant
