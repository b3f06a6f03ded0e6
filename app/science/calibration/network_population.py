"""What a star most likely is, given a noisy value and the population it belongs to (extreme deconvolution).

A slope learnt on a noisy abscissa is diluted, and where the stars of a link are members of one cluster noise is all
there is: survey - reference then slopes by -1 against the reference's own error. So equations look at E[t | observed]
(regression calibration: Carroll, Ruppert, Stefanski & Crainiceanu 2006, chapter 4), whose error does not depend on it
(Berkson 1950), with the population as a few Gaussians from which every star's own errors are taken out (Bovy, Hogg &
Roweis 2011, arXiv:0905.2979). The error of the population itself is common to its stars and is handed on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from app.science.arrays import Booleans, Floats

STARS_PER_COMPONENT = 50
MOST_COMPONENTS = 4
FEWEST_STARS = 8
"""Below this there is no population to speak of, and stars are left as they are."""
ITERATIONS = 80
FLOOR = 1e-3
"""Smallest variance of a component, in units of the whole sample's."""


@dataclass(frozen=True)
class Expected:
    """The stars after the population has been taken into account.

    Attributes:
        value: E[t | observed], (m, 3).
        error: standard deviation of t about it, (m, 3).
        shares: how the value answers to an error of each component's mean, (m, 3, K).
        covariance: of the components' means, diagonal, (3, K, K).
    """

    value: Floats
    error: Floats
    shares: Floats
    covariance: Floats


@dataclass(frozen=True)
class _Posterior:
    member: Floats
    mean: Floats
    covariance: Floats
    gain: Floats


def expected_by_group(observed: Floats, error: Floats, known: Booleans) -> Expected:
    """Return what the stars are expected to be, those that the scale knows (m,) and the others each by themselves.

    What the scale knows must not lean on a population that weak surveys have drawn; arguments else as in
    `expected_stars`.
    """
    parts = [expected_stars(observed[group], error[group]) for group in (known, ~known)]
    value, spread = np.empty_like(observed), np.empty_like(error)
    counts = [part.shares.shape[2] for part in parts]
    shares = np.zeros((len(observed), 3, sum(counts)))
    for group, part, start in zip((known, ~known), parts, (0, counts[0]), strict=True):
        value[group], spread[group] = part.value, part.error
        shares[group, :, start : start + part.shares.shape[2]] = part.shares
    covariance = np.array([block_diag(parts[0].covariance[p], parts[1].covariance[p]) for p in range(3)])
    return Expected(value, spread, shares, covariance)


def expected_stars(observed: Floats, error: Floats) -> Expected:
    """Return what the stars are expected to be.

    Args:
        observed: Teff (K), log g, [Fe/H] of each star, (m, 3).
        error: their standard errors, (m, 3).

    >>> rng = np.random.default_rng(1)
    >>> truth = rng.normal(size=(500, 3))
    >>> seen = expected_stars(truth + rng.normal(size=(500, 3)), np.ones((500, 3)))
    >>> abs(np.polyfit(seen.value[:, 0], truth[:, 0] - seen.value[:, 0], 1)[0]) < 0.2  # the noisy abscissa has -0.5
    np.True_
    """
    if len(observed) < FEWEST_STARS:
        return Expected(observed, error, np.zeros((len(observed), 3, 0)), np.zeros((3, 0, 0)))
    centre, width = observed.mean(axis=0), np.maximum(observed.std(axis=0), 1e-12)
    value, noise = (observed - centre) / width, np.square(error / width)
    share, mean, covariance = _begin(value)
    for _ in range(ITERATIONS):
        posterior = _posterior(value, noise, share, mean, covariance)
        share, mean, covariance = _maximize(posterior)
    posterior = _posterior(value, noise, share, mean, covariance)
    member, gain = posterior.member, np.einsum("ikpp->ikp", posterior.gain)
    best = np.einsum("ik,ikp->ip", member, posterior.mean)
    apart = posterior.mean - best[:, None, :]
    spread = np.einsum("ik,ikp->ip", member, np.einsum("ikpp->ikp", posterior.covariance) + np.square(apart))
    pull = member[:, :, None] * gain
    mean_variance = np.sum(np.square(pull) * noise[:, None, :], axis=0) / np.maximum(np.square(pull.sum(axis=0)), 1e-30)
    return Expected(
        value=centre + width * best,
        error=width * np.sqrt(np.maximum(spread, 1e-12)),
        shares=np.swapaxes(member[:, :, None] * (1.0 - gain), 1, 2),
        covariance=np.array([np.diag(width[p] ** 2 * mean_variance[:, p]) for p in range(3)]),
    )


def _begin(value: Floats) -> tuple[Floats, Floats, Floats]:
    """Return shares, means and covariances of components along the longest axis of the sample."""
    count = int(np.clip(len(value) // STARS_PER_COMPONENT, 1, MOST_COMPONENTS))
    _, axes = np.linalg.eigh(np.cov(value.T) + FLOOR * np.eye(3))
    order = np.argsort(value @ axes[:, -1])
    groups = np.array_split(order, count)
    mean = np.array([value[group].mean(axis=0) for group in groups])
    covariance = np.array([np.cov(value[group].T) + 0.1 * np.eye(3) for group in groups])
    return np.full(count, 1.0 / count), mean, covariance


def _posterior(value: Floats, noise: Floats, share: Floats, mean: Floats, covariance: Floats) -> _Posterior:
    """Return membership (m, K), conditional means (m, K, 3), covariances and gains (m, K, 3, 3)."""
    total = covariance[None] + noise[:, None, :, None] * np.eye(3)
    apart = value[:, None, :] - mean[None]
    inverse = np.linalg.inv(total)
    gain = covariance[None] @ inverse
    distance = np.einsum("ikp,ikpq,ikq->ik", apart, inverse, apart)
    log_density = np.log(np.maximum(share, 1e-300)) - 0.5 * (distance + np.linalg.slogdet(total)[1])
    member = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    member /= member.sum(axis=1, keepdims=True)
    conditional = mean[None] + np.einsum("ikpq,ikq->ikp", gain, apart)
    return _Posterior(member, conditional, covariance[None] - gain @ covariance[None], gain)


def _maximize(posterior: _Posterior) -> tuple[Floats, Floats, Floats]:
    counts = np.maximum(posterior.member.sum(axis=0), 1e-9)
    mean = np.einsum("ik,ikp->kp", posterior.member, posterior.mean) / counts[:, None]
    apart = posterior.mean - mean[None]
    spread = np.einsum("ik,ikp,ikq->kpq", posterior.member, apart, apart)
    own = np.einsum("ik,ikpq->kpq", posterior.member, posterior.covariance)
    # A prior of one star keeps a component of few stars from shrinking onto one of them.
    covariance = (spread + own + FLOOR * np.eye(3)) / (counts + 1.0)[:, None, None]
    return counts / counts.sum(), mean, covariance + FLOOR * np.eye(3)
