"""Log g against asteroseismology: median, scatter, pulls, bins and trend, before and after, survey by survey.

The surface gravity of an oscillating giant follows from the frequency of its greatest power, nu_max ~ g / sqrt(Teff)
(Brown et al. 1991, ApJ 368, 599; Kjeldsen & Bedding 1995, A&A 293, 87), good to about 0.02.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.robust import Residuals, scatter, summarize
from app.science.validation.lines import Line
from app.science.validation.seen import Seen
from app.science.validation.slope import slope

LOGG = 1
EDGES = (0.0, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 4.0)
"""Bins of seismic log g; the clump lies at 2.3 to 2.5."""


@dataclass(frozen=True)
class LoggBin:
    """The stars with seismic log g in [lowest, highest)."""

    lowest: float
    highest: float
    before: Residuals
    after: Residuals


@dataclass(frozen=True)
class SeismicResult:
    """Survey minus asteroseismology.

    Attributes:
        before: residuals of the reported log g.
        after: of the calibrated one, on the same stars.
        test: of the calibrated one, of stars in neither training nor conformal step.
        pull_width: 1.48 MAD of calibrated residuals in units of their stated errors.
        within: fraction of residuals within the stated 68 % error.
        slope_before: of the residuals with seismic log g.
        slope_after: the same after calibration.
        bins: in bins of seismic log g.
    """

    before: Residuals
    after: Residuals
    test: Residuals
    pull_width: float
    within: float
    slope_before: Line
    slope_after: Line
    bins: list[LoggBin]


@dataclass(frozen=True)
class OnTheSameStars:
    """Two surveys and asteroseismology, on the stars that both saw: whose is the offset?"""

    n: int
    survey: Residuals
    other: Residuals
    survey_minus_other: Residuals


def compare_logg(
    survey: Seen, star: Integers, logg: Floats, error: Floats, *, rng: np.random.Generator
) -> SeismicResult:
    """Compare a survey's log g with asteroseismology.

    Args:
        survey: what it says, n stars.
        star: stars with a seismic log g, (k,).
        logg: seismic log g, (k,).
        error: its error, (k,); NaN counts as none.
        rng: for bootstrap errors.

    >>> one = np.ones((3, 3))
    >>> survey = Seen(np.arange(3), one + 0.5, one, 0.1 * one, np.ones(3, bool))
    >>> result = compare_logg(survey, np.arange(3), np.ones(3), np.zeros(3), rng=np.random.default_rng(1))
    >>> result.before.median, result.after.median
    (0.5, 0.0)
    """
    _, mine, theirs = _common(survey, star)
    seismic = logg[theirs]
    before, after = survey.raw[mine, LOGG] - seismic, survey.value[mine, LOGG] - seismic
    total = np.hypot(survey.error[mine, LOGG], np.nan_to_num(error[theirs]))
    known = np.isfinite(total) & (total > 0)
    pull = after[known] / total[known]
    return SeismicResult(
        before=summarize(before, rng=rng),
        after=summarize(after, rng=rng),
        test=summarize(after[survey.test[mine]], rng=rng),
        pull_width=scatter(pull),
        within=float(np.mean(np.abs(pull) <= 1.0)) if len(pull) else float("nan"),
        slope_before=slope(seismic, before),
        slope_after=slope(seismic, after),
        bins=_bins(seismic, before, after, rng),
    )


def on_the_same_stars(
    survey: Seen, other: Seen, star: Integers, logg: Floats, *, rng: np.random.Generator
) -> OnTheSameStars:
    """Compare two surveys' calibrated log g with asteroseismology on the stars (k,) that both saw."""
    common = np.intersect1d(_common(survey, star)[0], _common(other, star)[0])
    mine, theirs = (one.value[np.isin(one.star, common), LOGG] for one in (survey, other))
    order = np.argsort(star, kind="stable")
    seismic = logg[order][np.searchsorted(star[order], common)]
    residuals = (mine - seismic, theirs - seismic, mine - theirs)
    return OnTheSameStars(len(common), *(summarize(one, rng=rng) for one in residuals))


def _common(survey: Seen, star: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the common stars with a calibrated log g, their rows in the survey and their places in `star`."""
    common, mine, theirs = np.intersect1d(survey.star, star, return_indices=True)
    known = np.isfinite(survey.value[mine, LOGG])
    return common[known], mine[known], theirs[known]


def _bins(seismic: Floats, before: Floats, after: Floats, rng: np.random.Generator) -> list[LoggBin]:
    place = np.digitize(seismic, EDGES) - 1
    return [
        LoggBin(EDGES[k], EDGES[k + 1], summarize(before[place == k], rng=rng), summarize(after[place == k], rng=rng))
        for k in np.unique(place[(place >= 0) & (place < len(EDGES) - 1)])
    ]
