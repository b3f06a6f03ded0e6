"""Two surveys on the stars that they have in common: offset, scatter, bins of the reference's value, pulls.

Always paired, star by star: means of two surveys differ by their selection. A star counts once, its spectra averaged.
Binned by one side's value, residuals slope with no bias at all where that side is noisy (regression to the mean):
the second side should be the more precise one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.robust import Bin, Residuals, binned_medians, scatter, summarize


@dataclass(frozen=True)
class SurveyValues:
    """One parameter of one survey, star by star.

    Attributes:
        star: star numbers, rising, (n,).
        raw: what the survey reported, (n,).
        value: the calibrated value, (n,).
        error: symmetric error of the calibrated value, (n,).
        in_domain: whether the calibration stands behind it, (n,).
    """

    star: Integers
    raw: Floats
    value: Floats
    error: Floats
    in_domain: Booleans


@dataclass(frozen=True)
class PairResult:
    """Survey minus other, before and after calibration.

    Attributes:
        survey: the survey that is judged.
        other: the survey that it is judged by.
        parameter: teff, logg or feh.
        before: residuals of the reported values.
        after: residuals of the calibrated values, on the same stars.
        bins_before: medians in bins of the other survey's calibrated value.
        bins_after: the same after calibration.
        inside: fraction of stars within their models' domains.
        after_inside: residuals of the calibrated values of those stars alone.
        pull_width: 1.48 MAD of the calibrated residuals in units of their stated errors.
    """

    survey: str
    other: str
    parameter: str
    before: Residuals
    after: Residuals
    bins_before: list[Bin]
    bins_after: list[Bin]
    inside: float
    after_inside: Residuals
    pull_width: float

    def as_mapping(self) -> dict[str, Any]:
        """Return the result as nested mappings for JSON: what is not known is None."""
        known: dict[str, Any] = _without_nan(asdict(self))
        return known


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def one_per_star(
    star: Integers, raw: Floats, value: Floats, error: Floats, in_domain: Booleans, used: Booleans
) -> SurveyValues:
    """Average the spectra of each star, those that are used and finite; inputs (m,), in any order."""
    good = used & np.isfinite(raw) & np.isfinite(value)
    unique, place, counts = np.unique(star[good], return_inverse=True, return_counts=True)

    def mean(column: Floats) -> Floats:
        return np.asarray(np.bincount(place, weights=column[good], minlength=len(unique)) / counts)

    inside = np.bincount(place, weights=in_domain[good], minlength=len(unique)) == counts
    return SurveyValues(unique, mean(raw), mean(value), mean(error) / np.sqrt(counts), inside)


def residuals_of(mine: SurveyValues, theirs: SurveyValues) -> tuple[Floats, Floats, Floats]:
    """Return the second survey's calibrated value and the residuals before and after, on the common stars."""
    _, left, right = np.intersect1d(mine.star, theirs.star, assume_unique=True, return_indices=True)
    return theirs.value[right], mine.raw[left] - theirs.raw[right], mine.value[left] - theirs.value[right]


def compare(
    survey: str, other: str, parameter: str, mine: SurveyValues, theirs: SurveyValues, *, rng: np.random.Generator
) -> PairResult | None:
    """Compare two surveys on their common stars; None where there are fewer than three."""
    _, left, right = np.intersect1d(mine.star, theirs.star, assume_unique=True, return_indices=True)
    if len(left) < 3:
        return None
    reference = theirs.value[right]
    before, after = mine.raw[left] - theirs.raw[right], mine.value[left] - reference
    inside = mine.in_domain[left] & theirs.in_domain[right]
    error = np.hypot(mine.error[left], theirs.error[right])
    known = np.isfinite(error) & (error > 0)
    return PairResult(
        survey=survey,
        other=other,
        parameter=parameter,
        before=summarize(before, rng=rng),
        after=summarize(after, rng=rng),
        bins_before=binned_medians(before, reference, rng=rng),
        bins_after=binned_medians(after, reference, rng=rng),
        inside=float(inside.mean()),
        after_inside=summarize(after[inside], rng=rng),
        pull_width=scatter(after[known] / error[known]),
    )
