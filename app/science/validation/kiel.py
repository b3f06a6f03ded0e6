"""Continuity of the Kiel diagram across surveys: red clump, main sequence, and the distance between two densities.

The distance is the energy distance (Szekely & Rizzo 2013, J. Stat. Plan. Inference 143, 1249) between the (Teff, log g)
of two surveys on the same stars, so that a different selection does not count:

    E = 2 <|a - b|> - <|a - a'|> - <|b - b'|>,   |.| with Teff in units of 100 K and log g of 0.2 dex.

Under the null hypothesis the two surveys may change places star by star: the distances of many such exchanges are what
no difference at all gives. Two unbiased surveys of unequal noise differ too; `noise` is the distance that the stated
errors alone give (the mean of both, with the noise of either added), so that E above `noise` is a difference of scales.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from app.science.arrays import Floats
from app.science.validation.red_clump import RedClump, find_clump
from app.science.validation.stars import SurveyStars, common

FEH_EDGES = (-1.0, -0.5, 0.0)
SCALE = np.array([100.0, 0.2])
"""Units of the distance: K and dex."""
FEWEST = 30
MOST_STARS = 800
EXCHANGES = 200
DWARF_LOGG = 3.8
LOCUS_TEFF = np.arange(4250.0, 7001.0, 250.0)


@dataclass(frozen=True)
class Distance:
    """Energy distance of two surveys' Kiel densities on `n` common stars.

    Attributes:
        n: stars.
        distance: E, in units of 100 K and 0.2 dex.
        null: mean over exchanges of the two surveys.
        null_upper: their 95 % quantile.
        p_value: share of exchanges that are as far apart.
        noise: the distance that stated errors alone give, NaN where they are unknown.
    """

    n: int
    distance: float
    null: float
    null_upper: float
    p_value: float
    noise: float


@dataclass(frozen=True)
class Locus:
    """Running median log g of dwarfs in bins of Teff (K), each (bins,), with errors of the medians."""

    teff: list[float]
    logg: list[float]
    error: list[float]
    n: list[int]


@dataclass(frozen=True)
class KielPart:
    """One survey's diagram in one bin of [Fe/H]: its clump (None where there are too few giants) and main sequence."""

    feh: tuple[float | None, float | None]
    n: int
    clump: RedClump | None
    main_sequence: Locus


def energy_distance(a: Floats, b: Floats) -> float:
    """Return the energy distance of two samples (n, d) and (m, d); zero for equal ones.

    >>> energy_distance(np.zeros((3, 2)), np.array([[3.0, 4.0]] * 3))
    10.0
    """
    between, within_a, within_b = cdist(a, b).mean(), cdist(a, a).mean(), cdist(b, b).mean()
    return float(2 * between - within_a - within_b)


def paired_distance(
    a: Floats, b: Floats, a_error: Floats | None = None, b_error: Floats | None = None, *, rng: np.random.Generator
) -> Distance:
    """Return the distance of two surveys' Teff (K) and log g on the same stars, (n, 2) each, with its null.

    Args:
        a: first survey.
        b: second survey, row by row the same star.
        a_error: standard errors of the first, (n, 2).
        b_error: of the second.
        rng: picks at most 800 stars, and exchanges.

    >>> rng = np.random.default_rng(1)
    >>> stars = rng.normal([4800, 2.5], [300, 0.5], (300, 2))
    >>> paired_distance(stars, stars + [0, 0.3], rng=rng).p_value < 0.01
    True
    """
    chosen = rng.permutation(len(a))[:MOST_STARS]
    a, b = a[chosen] / SCALE, b[chosen] / SCALE
    n = len(a)
    crossed = cdist(a, b)
    folded = cdist(a, a) - crossed - crossed.T + cdist(b, b)
    signs = rng.choice(np.array([-1.0, 1.0]), size=(n, EXCHANGES))
    exchanged = -(signs * (folded @ signs)).sum(axis=0) / n**2
    observed = float(-folded.sum() / n**2)
    noise = float("nan")
    if a_error is not None and b_error is not None:
        noise = _noise_distance(a, b, a_error[chosen] / SCALE, b_error[chosen] / SCALE, rng)
    p_value = float((1 + (exchanged >= observed).sum()) / (1 + EXCHANGES))
    return Distance(n, observed, float(exchanged.mean()), float(np.quantile(exchanged, 0.95)), p_value, noise)


def _noise_distance(a: Floats, b: Floats, a_error: Floats, b_error: Floats, rng: np.random.Generator) -> float:
    known = (np.isfinite(a_error) & np.isfinite(b_error)).all(axis=1)
    if known.sum() < FEWEST:
        return float("nan")
    centre = 0.5 * (a + b)[known]
    noisy = [centre + error[known] * rng.normal(size=centre.shape) for error in (a_error, b_error)]
    return energy_distance(noisy[0], noisy[1])


def kiel_distances(
    mine: SurveyStars, theirs: SurveyStars, *, rng: np.random.Generator
) -> list[tuple[tuple[float | None, float | None], Distance, Distance]]:
    """Return bounds of [Fe/H], the distance before and the distance after, for each bin with enough common stars."""
    a, b = common(mine, theirs)
    good = a.in_domain & b.in_domain & np.isfinite(a.value + b.value + a.raw + b.raw).all(axis=1)
    a, b = a.at(good), b.at(good)
    place = np.searchsorted(FEH_EDGES, 0.5 * (a.value + b.value)[:, 2], side="right")
    results = []
    for k in range(len(FEH_EDGES) + 1):
        mine_in, theirs_in = a.at(place == k), b.at(place == k)
        if len(mine_in.star) < FEWEST:
            continue
        before = paired_distance(mine_in.raw[:, :2], theirs_in.raw[:, :2], rng=rng)
        errors = mine_in.error[:, :2], theirs_in.error[:, :2]
        after = paired_distance(mine_in.value[:, :2], theirs_in.value[:, :2], *errors, rng=rng)
        results.append((feh_bounds(k), before, after))
    return results


def kiel_parts(values: Floats, *, rng: np.random.Generator) -> list[KielPart]:
    """Return clump and main sequence of one survey's Teff (K), log g, [Fe/H], (n, 3), in bins of [Fe/H]."""
    values = values[np.isfinite(values).all(axis=1)]
    place = np.searchsorted(FEH_EDGES, values[:, 2], side="right")
    parts = []
    for k in range(len(FEH_EDGES) + 1):
        teff, logg = values[place == k, 0], values[place == k, 1]
        if len(teff) >= FEWEST:
            parts.append(KielPart(feh_bounds(k), len(teff), find_clump(teff, logg, rng=rng), main_sequence(teff, logg)))
    return parts


def main_sequence(teff: Floats, logg: Floats) -> Locus:
    """Return the running median of log g for dwarfs (log g > 3.8) in bins of 250 K with at least ten stars.

    >>> main_sequence(np.full(20, 5600.0), np.full(20, 4.4)).logg
    [4.4]
    """
    dwarfs = logg > DWARF_LOGG
    teff, logg = teff[dwarfs], logg[dwarfs]
    place = np.searchsorted(LOCUS_TEFF, teff, side="right")
    bins = [logg[place == k] for k in range(1, len(LOCUS_TEFF))]
    kept = [k for k, inside in enumerate(bins) if len(inside) >= 10]
    spread = [1.4826 * np.median(np.abs(bins[k] - np.median(bins[k]))) for k in kept]
    return Locus(
        teff=[float(LOCUS_TEFF[k] + 125.0) for k in kept],
        logg=[float(np.median(bins[k])) for k in kept],
        error=[float(1.2533 * width / np.sqrt(len(bins[k]))) for k, width in zip(kept, spread, strict=True)],
        n=[len(bins[k]) for k in kept],
    )


def feh_bounds(k: int) -> tuple[float | None, float | None]:
    """Return the bounds of bin `k` of [Fe/H]; the outer ones are open."""
    return (FEH_EDGES[k - 1] if k > 0 else None, FEH_EDGES[k] if k < len(FEH_EDGES) else None)
