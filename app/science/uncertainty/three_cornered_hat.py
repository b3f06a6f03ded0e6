"""The errors of three or more surveys from their differences alone.

If errors are independent, the variance of a difference is the sum of two: V_ij = s_i^2 + s_j^2, and three surveys of
the same stars give s_1^2 = (V_12 + V_13 - V_23) / 2 (Grubbs 1948, J. Am. Stat. Assoc. 43, 243; Gray & Allan 1974). More
than three are solved by least squares. Noise, or errors that are not independent, can make a variance come out
negative: it is reported as it is, and no sigma is made of it. Variances are (1.48 MAD)^2, their errors bootstrapped
over stars.

Where errors correlate, differences cannot say by how much; `correlated_hat` gives the covariance matrix with the
smallest covariances that is positive definite and agrees with them (Premoli & Tavella 1993, IEEE Trans. Instrum. Meas.
42, 7): for three surveys it is the plain hat wherever that comes out positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from app.science.arrays import Floats
from app.science.robust import MAD_TO_SIGMA

FEWEST = 10
CLIP = 5.0
_CLOSE_TO_SINGULAR = 1e-6


@dataclass(frozen=True)
class Hat:
    """Variances of surveys' errors.

    Attributes:
        variance: may be negative, (s,).
        variance_error: its bootstrap error, (s,).
        pairs: variances of the differences, (s, s).
        stars: number of stars that all surveys saw.
    """

    variance: Floats
    variance_error: Floats
    pairs: Floats
    stars: int

    @property
    def sigma(self) -> Floats:
        """Standard deviations (s,); NaN where the variance is not positive."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(np.where(self.variance > 0.0, self.variance, np.nan)))

    @property
    def sigma_error(self) -> Floats:
        """Their errors (s,), to first order; NaN where the variance is not positive."""
        return np.asarray(0.5 * self.variance_error / self.sigma)


def three_cornered_hat(values: Floats, *, rng: np.random.Generator, draws: int = 200) -> Hat:
    """Return the variance of each survey's error.

    Args:
        values: of the same stars by each survey, offsets and trends taken out (`without_trend`), NaN where a survey
            lacks one, (n, s); stars that all surveys saw count.
        rng: of the bootstrap over stars.
        draws: of the bootstrap.

    Raises:
        ValueError: fewer than three surveys, or fewer than 10 stars that all of them saw.

    >>> rng = np.random.default_rng(1)
    >>> values = rng.normal(size=(4000, 1)) + rng.normal(size=(4000, 3)) * [1.0, 2.0, 3.0]
    >>> three_cornered_hat(values, rng=rng).sigma.round(1).tolist()
    [1.0, 2.0, 3.0]
    """
    common = values[np.isfinite(values).all(axis=1)]
    stars, surveys = common.shape
    if surveys < 3:
        raise ValueError(f"{surveys} surveys, 3 are needed")
    if stars < FEWEST:
        raise ValueError(f"{stars} stars that all {surveys} surveys saw, {FEWEST} are needed")
    first, second = np.triu_indices(surveys, 1)
    differences = common[:, first] - common[:, second]
    of_pairs = _variances(differences)
    solve = np.linalg.pinv(np.eye(surveys)[first] + np.eye(surveys)[second])
    sample = [solve @ _variances(differences[rng.integers(0, stars, stars)]) for _ in range(draws)]
    matrix = np.zeros((surveys, surveys))
    matrix[first, second] = matrix[second, first] = of_pairs
    return Hat(solve @ of_pairs, np.std(sample, axis=0, ddof=1), matrix, stars)


def correlated_hat(values: Floats) -> Floats:
    """Return the covariance matrix (s, s) of surveys' errors with the smallest correlations that fits.

    Premoli & Tavella (1993): with S the covariance of the differences to the last survey, every R = [[S + ..]] that
    agrees with S is known up to its last column; that is chosen which minimizes the sum of the squared covariances over
    |S|^(2/(s-1)), R being positive definite.

    Args:
        values: as for `three_cornered_hat`, (n, s).

    Raises:
        ValueError: fewer than three surveys, or fewer than 10 stars that all of them saw.
    """
    common = values[np.isfinite(values).all(axis=1)]
    if common.shape[1] < 3 or len(common) < FEWEST:
        raise ValueError(f"{common.shape[1]} surveys and {len(common)} common stars; 3 and {FEWEST} are needed")
    differences = _robust_covariance(common[:, :-1] - common[:, -1:])
    scale = float(np.linalg.det(differences) ** (1.0 / len(differences)))
    ones = np.ones(len(differences))
    start = np.append(np.zeros(len(differences)), 0.5 / (ones @ np.linalg.inv(differences / scale) @ ones))

    def cost(column: Floats) -> float:
        return float(np.sum(np.triu(_completed(differences / scale, column), 1) ** 2))

    def definite(column: Floats) -> float:
        return float(np.linalg.eigvalsh(_completed(differences / scale, column))[0] - _CLOSE_TO_SINGULAR)

    found = optimize.minimize(
        cost, start, method="SLSQP", constraints={"type": "ineq", "fun": definite}, options={"maxiter": 500}
    )
    return scale * _completed(differences / scale, found.x)


def without_trend(values: Floats, at: Floats) -> Floats:
    """Return values (n, s) less each survey's quadratic trend in `at` (n, k) against the mean of all, 5 sigma clipped.

    Surveys that disagree systematically would otherwise have it counted as noise. `at` should be the surveys' mean: a
    noisy single survey would take part of its own noise for a trend.
    """
    mean = values.mean(axis=1, keepdims=True)
    terms = _quadratic(at)
    rest = values - mean
    for survey in range(values.shape[1]):
        inside = np.isfinite(rest[:, survey]) & np.isfinite(terms).all(axis=1)
        for _ in range(3):
            fit = np.linalg.lstsq(terms[inside], rest[inside, survey], rcond=None)[0]
            off = rest[:, survey] - terms @ fit
            with np.errstate(invalid="ignore"):
                inside = np.abs(off) < CLIP * MAD_TO_SIGMA * np.nanmedian(np.abs(off))
        rest[:, survey] = off
    return np.asarray(mean + rest)


def _quadratic(at: Floats) -> Floats:
    spread = np.nanstd(at, axis=0)
    x = (at - np.nanmedian(at, axis=0)) / np.where(spread > 0.0, spread, 1.0)
    x = np.clip(x, -3.0, 3.0)
    first, second = np.triu_indices(x.shape[1])
    return np.column_stack([np.ones(len(x)), x, x[:, first] * x[:, second]])


def _variances(differences: Floats) -> Floats:
    """Return (1.48 MAD)^2 of each column."""
    away = np.abs(differences - np.median(differences, axis=0))
    return np.asarray((MAD_TO_SIGMA * np.median(away, axis=0)) ** 2)


def _robust_covariance(differences: Floats) -> Floats:
    """Return covariances (k, k) from the scatter of sums and differences (Gnanadesikan & Kettenring 1972)."""
    size = np.sqrt(_variances(differences))
    unit = differences / size
    first, second = np.triu_indices(len(size), 1)
    plus, minus = _variances(unit[:, first] + unit[:, second]), _variances(unit[:, first] - unit[:, second])
    correlation = np.eye(len(size))
    correlation[first, second] = correlation[second, first] = (plus - minus) / (plus + minus)
    return np.asarray(correlation * size[:, None] * size[None, :])


def _completed(differences: Floats, column: Floats) -> Floats:
    """Return the covariance (s, s) whose last column is `column` (s,) and whose differences are as given."""
    share, last = column[:-1], column[-1]
    whole = np.empty((len(column), len(column)))
    whole[:-1, :-1] = differences - last + share[:, None] + share[None, :]
    whole[:-1, -1] = whole[-1, :-1] = share
    whole[-1, -1] = last
    return whole
