"""Clusters, whose stars were born with one [Fe/H]: offset to the literature, scatter, trends, agreement of surveys.

Medians and 1.48 MAD leave room for field stars and binaries among the members. Only stars within TEFF_WINDOW are
judged: hotter ones have too few iron lines for [Fe/H], in cooler ones molecules hide them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import Residuals, summarize
from app.science.validation.lines import Line
from app.science.validation.seen import Seen
from app.science.validation.slope import slope

TEFF, LOGG, FEH = 0, 1, 2
TEFF_WINDOW = (4000.0, 6500.0)
FEWEST_STARS = 3
STAGES = {"giants": (-1.0, 3.5), "turn-off": (3.5, 4.3), "dwarfs": (4.3, 6.0)}
"""Ranges of log g. Diffusion takes up to 0.1 dex of [Fe/H] from a turn-off star's surface (Souto et al. 2019, ApJ 874,
97, in M67), so that surveys of different stars of a cluster may differ and both be right."""
MEDIAN_TO_MEAN = 1.2533
"""sqrt(pi / 2): the standard error of a median of Gaussian values in units of that of their mean."""


@dataclass(frozen=True)
class ClusterSurvey:
    """One survey's [Fe/H] of the members of a cluster.

    Attributes:
        survey: its name.
        outside: members that it saw, but outside the Teff window or without a usable value.
        before: the reported [Fe/H] of the members: median and scatter.
        after: the calibrated one, on the same stars.
        test: the calibrated one of stars in neither training nor conformal step.
        median_error: standard error of both medians: 1.25 / sqrt(n) times the larger of scatter and stated error.
        stated_error: the median stated error of one star.
        stretch: slope of calibrated with reported [Fe/H]: 1 keeps the differences between stars, more enlarges them,
            errors among them.
        along_teff_before: slope of [Fe/H] with Teff, per 1000 K.
        along_teff: the same after calibration.
        along_logg_before: slope of [Fe/H] with log g.
        along_logg: the same after calibration.
    """

    survey: str
    outside: int
    before: Residuals
    after: Residuals
    test: Residuals
    median_error: tuple[float, float]
    stated_error: float
    stretch: Line
    along_teff_before: Line
    along_teff: Line
    along_logg_before: Line
    along_logg: Line


@dataclass(frozen=True)
class Agreement:
    """How far the surveys' medians of one cluster lie apart.

    Attributes:
        surveys: which, those with enough members.
        spread: standard deviation of the medians.
        chi2: of the medians about their weighted mean, by their errors and the covariance of zero points.
        p_value: of chi2 with one degree of freedom less than surveys.
        farthest: the largest |median - mean| in units of its error.
        outside: surveys whose median lies farther from the mean than the stated error of one star.
    """

    surveys: list[str]
    spread: float
    chi2: float
    p_value: float
    farthest: float
    outside: list[str]


@dataclass(frozen=True)
class ClusterResult:
    """A cluster: what each survey says of it, and whether they agree; literature NaN where none is known.

    Attributes:
        cluster: its name.
        literature: its [Fe/H].
        literature_error: the error of that.
        surveys: survey by survey.
        before: agreement of the reported medians.
        after: agreement of the calibrated ones.
        stages: both, before first, of stars of one evolutionary stage; stages without two surveys are left out.
    """

    cluster: str
    literature: float
    literature_error: float
    surveys: list[ClusterSurvey]
    before: Agreement | None
    after: Agreement | None
    stages: dict[str, tuple[Agreement | None, Agreement | None]]


def judge_cluster(
    cluster: str,
    surveys: Mapping[str, Seen],
    *,
    literature: tuple[float, float],
    zero_points: Floats,
    compared: list[str],
    rng: np.random.Generator,
) -> ClusterResult:
    """Judge all surveys on the members of one cluster.

    Args:
        cluster: its name.
        surveys: what each says of the members, and only of them.
        literature: its [Fe/H] and the error, NaN where unknown.
        zero_points: covariance of the [Fe/H] zero points of `compared`, (s, s); zeros where unknown.
        compared: the surveys whose agreement is judged; the combined value is not one of them.
        rng: for bootstrap errors.
    """
    judged = _judged(surveys, rng)
    stages = {}
    for stage, (lowest, highest) in STAGES.items():
        part = {name: seen.where(_between(seen.value[:, LOGG], lowest, highest)) for name, seen in surveys.items()}
        agreements = _agreements(_judged(part, rng), compared, zero_points)
        if agreements[0] is not None:
            stages[stage] = agreements
    before, after = _agreements(judged, compared, zero_points)
    return ClusterResult(cluster, *literature, surveys=judged, before=before, after=after, stages=stages)


def _judged(surveys: Mapping[str, Seen], rng: np.random.Generator) -> list[ClusterSurvey]:
    return [result for name, seen in surveys.items() if (result := _survey(name, seen, rng)).after.n]


def _agreements(
    judged: list[ClusterSurvey], compared: list[str], zero_points: Floats
) -> tuple[Agreement | None, Agreement | None]:
    """Return how far reported and calibrated medians agree; zero points are the calibration's own."""
    by_name = {one.survey: one for one in judged if one.after.n >= FEWEST_STARS}
    rows = np.array([k for k, name in enumerate(compared) if name in by_name], dtype=np.int64)
    chosen = [by_name[compared[k]] for k in rows]
    covariance = zero_points[np.ix_(rows, rows)]
    names = [one.survey for one in chosen]
    stated = np.array([one.stated_error for one in chosen])
    sides = (
        ([one.before.median for one in chosen], [one.median_error[0] for one in chosen], np.zeros_like(covariance)),
        ([one.after.median for one in chosen], [one.median_error[1] for one in chosen], covariance),
    )
    before, after = (agreement(names, np.array(m), np.array(e), stated, shared) for m, e, shared in sides)
    return before, after


def _survey(name: str, seen: Seen, rng: np.random.Generator) -> ClusterSurvey:
    inside = usable(seen)
    stars = seen.where(inside)
    before, after = stars.raw[:, FEH], stars.value[:, FEH]
    residuals = summarize(before, rng=rng), summarize(after, rng=rng)
    stated = float(np.nanmedian(stars.error[:, FEH])) if len(after) else float("nan")
    widths = [max(one.scatter, np.nan_to_num(stated)) for one in residuals]
    kilokelvin = stars.value[:, TEFF] / 1000.0
    return ClusterSurvey(
        survey=name,
        outside=int((~inside).sum()),
        before=residuals[0],
        after=residuals[1],
        test=summarize(after[stars.test], rng=rng),
        median_error=(_error(widths[0], len(after)), _error(widths[1], len(after))),
        stated_error=stated,
        stretch=slope(before, after),
        along_teff_before=slope(kilokelvin, before),
        along_teff=slope(kilokelvin, after),
        along_logg_before=slope(stars.value[:, LOGG], before),
        along_logg=slope(stars.value[:, LOGG], after),
    )


def usable(seen: Seen) -> Booleans:
    """Return which stars have a calibrated [Fe/H] and a calibrated Teff within TEFF_WINDOW, (n,)."""
    return np.isfinite(seen.value[:, FEH]) & _between(seen.value[:, TEFF], *TEFF_WINDOW)


def _between(values: Floats, lowest: float, highest: float) -> Booleans:
    return np.asarray((values >= lowest) & (values < highest))


def _error(width: float, n: int) -> float:
    return float(MEDIAN_TO_MEAN * width / np.sqrt(n)) if n else float("nan")


def agreement(
    names: list[str], medians: Floats, errors: Floats, stated: Floats, zero_points: Floats
) -> Agreement | None:
    """Say whether medians agree within their errors; None for fewer than two.

    chi2 = (m - mean)^T V^-1 (m - mean) with V = diag(errors^2) + zero_points and the generalized mean of m (Aitken
    1935, Proceedings of the Royal Society of Edinburgh 55, 42).

    Args:
        names: of the surveys, k.
        medians: their medians, (k,).
        errors: standard errors of these, (k,).
        stated: the typical stated error of one star, (k,).
        zero_points: covariance of their zero points, (k, k).

    >>> tenth = np.array([0.1, 0.1])
    >>> found = agreement(["a", "b"], np.array([0.0, 0.2]), tenth, 2 * tenth, np.zeros((2, 2)))
    >>> round(found.chi2, 6), round(found.p_value, 3)
    (2.0, 0.157)
    """
    if len(names) < 2:
        return None
    variance = np.diag(errors**2) + zero_points
    inverse = np.linalg.pinv(variance)
    residual = medians - (inverse @ medians).sum() / inverse.sum()
    chi2 = float(residual @ inverse @ residual)
    return Agreement(
        surveys=names,
        spread=float(medians.std(ddof=1)),
        chi2=chi2,
        p_value=float(stats.chi2.sf(chi2, len(names) - 1)),
        farthest=float(np.max(np.abs(residual) / np.sqrt(np.diag(variance)))),
        outside=[name for name, far in zip(names, np.abs(residual) > stated, strict=True) if far],
    )


@dataclass(frozen=True)
class Candidates:
    """Stars within a circle around a cluster's centre, and how many of them the field around makes expected."""

    star: Integers
    expected_field: float


def around_centre(
    star: Integers, distance_deg: Floats, *, radius_deg: float, ring_deg: tuple[float, float]
) -> Candidates:
    """Take the stars within a circle, and count the field in a ring around it.

    Args:
        star: stars around the centre, (n,).
        distance_deg: how far from it, (n,).
        radius_deg: of the circle.
        ring_deg: inner and outer radius of the ring.

    >>> found = around_centre(np.arange(3), np.array([0.0, 0.6, 0.7]), radius_deg=0.1, ring_deg=(0.5, 1.0))
    >>> found.star.tolist(), round(found.expected_field, 4)
    ([0], 0.0267)
    """
    inner, outer = ring_deg
    in_ring = np.count_nonzero((distance_deg >= inner) & (distance_deg < outer))
    return Candidates(star[distance_deg <= radius_deg], float(in_ring * radius_deg**2 / (outer**2 - inner**2)))
