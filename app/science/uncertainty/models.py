"""Error models as arrays: Gaussian, multivariate Gaussian, split normal.

The split normal (Fechner 1897; Wallis 2014, Statistical Science 29, 106) has density proportional to
exp(-(x - mode)^2 / (2 s^2)), s = minus below the mode and plus above it. A share r = minus / (minus + plus) of it lies
below the mode. Its 16 and 84 % points are therefore *not* mode - minus and mode + plus: those are where the negative
log-likelihood has risen by 0.5 (Barlow, Brazzale & Volobouev, arXiv:2411.15499). `percentiles.py` converts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from app.science.arrays import Floats
from app.science.uncertainty import correlation as correlations

CENTRAL = (0.16, 0.84)
"""The ends of a 68 % interval, as surveys quote them."""


@dataclass(frozen=True)
class Gaussian:
    """Independent symmetric errors: `value` and its standard deviation `sigma`, of one shape."""

    value: Floats
    sigma: Floats


@dataclass(frozen=True)
class MultivariateGaussian:
    """Symmetric errors of several parameters that go together.

    Attributes:
        value: (n, k).
        sigma: standard deviations, (n, k).
        correlation: positive definite, one for all (1, k, k) or one a row (n, k, k).
        shrinkage: how far an impossible correlation was moved towards independence, 0 where it was not, (1,) or (n,).
    """

    value: Floats
    sigma: Floats
    correlation: Floats
    shrinkage: Floats

    @classmethod
    def of_pairs(cls, value: Floats, sigma: Floats, rho: Floats) -> MultivariateGaussian:
        """Build from standard deviations (n, 3) and correlations of pairs, per row (n, 3) or for all rows (3,).

        >>> MultivariateGaussian.of_pairs(np.zeros((1, 3)), np.ones((1, 3)), np.array([0.9, 0.9, -0.9])).shrinkage > 0
        array([ True])
        """
        fixed = correlations.repair(correlations.matrices(np.atleast_2d(rho)))
        return cls(value, sigma, fixed.correlation, fixed.shrinkage)

    @classmethod
    def of_covariance(cls, value: Floats, covariance: Floats) -> MultivariateGaussian:
        """Build from covariance matrices, per row (n, k, k) or one for all rows (k, k).

        Raises:
            ValueError: a variance is not positive.
        """
        covariance = np.atleast_3d(covariance.T).T
        variance = np.diagonal(covariance, axis1=1, axis2=2)
        if not (variance > 0.0).all():
            raise ValueError(f"covariance: {int((~(variance > 0.0)).any(axis=1).sum())} rows have no positive variance")
        sigma = np.sqrt(variance)
        fixed = correlations.repair(covariance / (sigma[:, :, None] * sigma[:, None, :]))
        return cls(value, np.broadcast_to(sigma, value.shape), fixed.correlation, fixed.shrinkage)

    @property
    def covariance(self) -> Floats:
        """Covariance matrices (n, k, k)."""
        return np.asarray(self.correlation * self.sigma[:, :, None] * self.sigma[:, None, :])


@dataclass(frozen=True)
class SplitNormal:
    """Asymmetric errors: the most likely value and the half widths below and above it, of one shape."""

    mode: Floats
    minus: Floats
    plus: Floats

    @property
    def below(self) -> Floats:
        """Share of the probability below the mode."""
        return np.asarray(self.minus / (self.minus + self.plus))

    def cdf(self, x: Floats) -> Floats:
        """Return the probability below x.

        >>> SplitNormal(np.zeros(1), np.ones(1), 3 * np.ones(1)).cdf(np.zeros(1)).tolist()
        [0.25]
        """
        share, away = self.below, np.asarray(x) - self.mode
        lower = 2.0 * share * special.ndtr(np.minimum(away, 0.0) / self.minus)
        upper = (1.0 - share) * (2.0 * special.ndtr(np.maximum(away, 0.0) / self.plus) - 1.0)
        return np.asarray(lower + upper)

    def quantile(self, probability: Floats | float) -> Floats:
        """Return the value below which `probability` lies.

        >>> float(SplitNormal(np.zeros(1), np.ones(1), 3 * np.ones(1)).quantile(0.25)[0])
        0.0
        """
        share = self.below
        probability = np.broadcast_to(probability, np.broadcast_shapes(np.shape(probability), share.shape))
        lower = self.minus * special.ndtri(np.minimum(0.5 * probability / share, 0.5))
        upper = -self.plus * special.ndtri(np.minimum(0.5 * (1.0 - probability) / (1.0 - share), 0.5))
        return np.asarray(self.mode + lower + upper)

    @property
    def mean(self) -> Floats:
        """Mean: mode + sqrt(2 / pi) (plus - minus)."""
        return np.asarray(self.mode + np.sqrt(2.0 / np.pi) * (self.plus - self.minus))

    @property
    def variance(self) -> Floats:
        """Variance: (1 - 2 / pi) (plus - minus)^2 + plus minus."""
        return np.asarray((1.0 - 2.0 / np.pi) * (self.plus - self.minus) ** 2 + self.plus * self.minus)
