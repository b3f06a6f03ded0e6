"""Trends of a pair's residuals with Teff, log g, [Fe/H], S/N and magnitude, and which slope no bias at all gives.

The residual d = a - b shares its noise with a and b, so a plot against either has a slope without any bias (regression
to the mean). With noise variances s_a^2, s_b^2 and x = w a + (1 - w) b, a zero bias gives the slope

    (w s_a^2 - (1 - w) s_b^2) / Var(x).

- against the other survey's value (w = 0): -s_b^2 / Var(b), small where b is precise;
- against the mean of both weighted by precision, w = s_b^2 / (s_a^2 + s_b^2): zero, whatever the population; the plain
  mean of unequal errors has a slope;
- against a third survey's value, whose noise is in neither: zero, and the price is fewer stars;
- against S/N and magnitude: zero.

The same holds for the residual in one parameter against another where their errors are correlated; these slopes are of
the order rho s_p s_q / Var(q) and are not subtracted here. `null_slope` is computed from the stated errors, and is as
good as these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.robust import scatter
from app.science.validation.lines import Line, robust_line
from app.science.validation.stars import SurveyStars, common

PARAMETERS = ("teff", "logg", "feh")
FEWEST = 20
MOST_BINS = 10
UNIT = {"teff": 1000.0}
"""Slopes with Teff are per 1000 K; with S/N per dex of S/N; else per dex or magnitude."""


@dataclass(frozen=True)
class Bins:
    """Median residuals in bins of equal numbers of stars, each (bins,), with standard errors of the medians."""

    centre: list[float]
    n: list[int]
    before: list[float]
    before_error: list[float]
    after: list[float]
    after_error: list[float]


@dataclass(frozen=True)
class Trend:
    """How a pair's residual in `parameter` changes with a quantity.

    Attributes:
        parameter: residual of which parameter.
        against: teff, logg, feh, log_snr or magnitude.
        abscissa: `other`, `mean` or `third` (whose value of it), `own` for S/N and magnitude.
        n: stars.
        before: line through the residuals of the reported values.
        after: of the calibrated values.
        null_slope: slope that a zero bias gives, by the stated errors.
        bins: binned medians.
    """

    parameter: str
    against: str
    abscissa: str
    n: int
    before: Line
    after: Line
    null_slope: float
    bins: Bins


def pair_trends(mine: SurveyStars, theirs: SurveyStars, third: SurveyStars | None = None) -> list[Trend]:
    """Return all trends of the first survey minus the second, on stars inside both domains.

    Args:
        mine: the survey that is judged.
        theirs: the survey that it is judged by.
        third: a survey that lends its values as abscissa, None for none.

    >>> rng = np.random.default_rng(1)
    >>> truth = np.column_stack([rng.uniform(4000, 6000, 500), rng.uniform(1, 4, 500), rng.uniform(-1, 0, 500)])
    >>> error, inside, snr = np.tile([50, 0.1, 0.05], (500, 1)), np.ones(500, dtype=bool), np.full(500, 50.0)
    >>> def seen(bias):
    ...     value = truth + error * rng.normal(size=(500, 3))
    ...     return SurveyStars(np.arange(500), value + bias, value, error, error, inside, snr, truth[:, 0])
    >>> first = pair_trends(seen(0.1 * truth), seen(0))[0]
    >>> first.parameter, first.against, first.abscissa, abs(first.before.slope - 97.0) < 15
    ('teff', 'teff', 'other', True)
    """
    pair = common(mine, theirs)
    inside = pair[0].in_domain & pair[1].in_domain
    a, b = (part.at(inside) for part in pair)
    trends = _against_values(a, b) + _against_circumstances(a, b)
    if third is not None:
        a, b, c = common(a, b, third)
        trends += _against_third(a, b, c)
    return trends


def _against_values(a: SurveyStars, b: SurveyStars) -> list[Trend]:
    variance_a, variance_b = a.error**2, b.error**2
    share = np.divide(variance_b, variance_a + variance_b, out=np.full_like(variance_a, 0.5), where=variance_a > 0)
    share = np.where(np.isfinite(share), share, 0.5)
    trends = []
    for abscissa, weight in (("other", np.zeros_like(share)), ("mean", share)):
        x = weight * a.value + (1 - weight) * b.value
        covariance = weight * variance_a - (1 - weight) * variance_b
        trends += [_trend(a, b, p, q, abscissa, x[:, q], covariance[:, q]) for p in range(3) for q in range(3)]
    return [trend for trend in trends if trend is not None]


def _against_third(a: SurveyStars, b: SurveyStars, c: SurveyStars) -> list[Trend]:
    nothing = np.zeros(len(a.star))
    trends = [_trend(a, b, p, q, "third", c.value[:, q], nothing) for p in range(3) for q in range(3)]
    return [trend for trend in trends if trend is not None]


def _against_circumstances(a: SurveyStars, b: SurveyStars) -> list[Trend]:
    with np.errstate(divide="ignore", invalid="ignore"):
        circumstances = {"log_snr": np.log10(a.snr), "magnitude": a.magnitude}
    trends = [_line(a, b, p, name, "own", x, 0.0) for p in range(3) for name, x in circumstances.items()]
    return [trend for trend in trends if trend is not None]


def _trend(
    a: SurveyStars, b: SurveyStars, p: int, q: int, abscissa: str, x: Floats, covariance: Floats
) -> Trend | None:
    good = np.isfinite(x) & np.isfinite(covariance)
    null = float(covariance[good].mean() / np.var(x[good])) if p == q and good.sum() >= FEWEST else 0.0
    return _line(a, b, p, PARAMETERS[q], abscissa, x, null)


def _line(
    a: SurveyStars, b: SurveyStars, p: int, against: str, abscissa: str, x: Floats, null_slope: float
) -> Trend | None:
    before, after = a.raw[:, p] - b.raw[:, p], a.value[:, p] - b.value[:, p]
    good = np.isfinite(x) & np.isfinite(before) & np.isfinite(after)
    unit = UNIT.get(against, 1.0)
    x, before, after = x[good], before[good], after[good]
    if len(x) < FEWEST or np.ptp(x) == 0:
        return None
    lines = [robust_line(x / unit, residual) for residual in (before, after)]
    bins = binned(x, before, after)
    return Trend(PARAMETERS[p], against, abscissa, len(x), lines[0], lines[1], null_slope * unit, bins)


def binned(x: Floats, before: Floats, after: Floats) -> Bins:
    """Return median residuals in bins of x with equal numbers of stars, at least ten each; inputs (n,)."""
    count = int(np.clip(len(x) // 10, 1, MOST_BINS))
    parts = np.array_split(np.argsort(x, kind="stable"), count)
    return Bins(
        centre=[float(np.median(x[part])) for part in parts],
        n=[len(part) for part in parts],
        before=[float(np.median(before[part])) for part in parts],
        before_error=[_median_error(before[part]) for part in parts],
        after=[float(np.median(after[part])) for part in parts],
        after_error=[_median_error(after[part]) for part in parts],
    )


def _median_error(values: Floats) -> float:
    """Return the standard error of a median, sqrt(pi/2) sigma / sqrt(n), with sigma from the MAD."""
    return 1.2533 * scatter(values) / float(np.sqrt(len(values)))
