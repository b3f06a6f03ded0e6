"""The parts of the validation report, computed pair by pair and survey by survey from a version's test stars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.validation_rows import TestStars
from app.science.arrays import Floats
from app.science.validation.coverage import difference_pulls, judge_coverage
from app.science.validation.kiel import kiel_distances, kiel_parts
from app.science.validation.pairs import PairResult, SurveyValues, compare
from app.science.validation.stars import SurveyStars, common
from app.science.validation.trends import FEWEST, pair_trends

FEWEST_FOR_COVERAGE = 10


def values_of(surveys: Mapping[str, SurveyStars]) -> dict[str, dict[str, SurveyValues]]:
    """Return each survey's stars parameter by parameter."""
    return {
        name: {str(parameter): part.values(p) for p, parameter in enumerate(PARAMETERS)}
        for name, part in surveys.items()
    }


def all_pairs(order: list[str], values: Mapping[str, Mapping[str, SurveyValues]], *, seed: int) -> list[PairResult]:
    """Compare each survey with all that stand before it: the later one is judged by the earlier one."""
    pairs = []
    for survey, other in _ordered(order):
        for parameter in map(str, PARAMETERS):
            mine, theirs = values[survey][parameter], values[other][parameter]
            pair = compare(survey, other, parameter, mine, theirs, rng=np.random.default_rng(seed))
            if pair is not None:
                pairs.append(pair)
    return pairs


def trend_rows(test: TestStars) -> list[dict[str, Any]]:
    """Return the trends of every pair with enough stars, with a third survey's values where one has enough."""
    rows = []
    for survey, other in _ordered(list(test.means)):
        third = third_survey(test.means, survey, other)
        borrowed = None if third is None else test.means[third]
        trends = pair_trends(test.means[survey], test.means[other], borrowed)
        rows += [{"survey": survey, "other": other, "third": third} | vars(trend) for trend in trends]
    return rows


def third_survey(surveys: Mapping[str, SurveyStars], survey: str, other: str) -> str | None:
    """Return the survey that shares most stars with a pair, None where no other has enough."""
    both = np.intersect1d(surveys[survey].star, surveys[other].star, assume_unique=True)
    counts = {
        name: len(np.intersect1d(both, part.star, assume_unique=True))
        for name, part in surveys.items()
        if name not in {survey, other}
    }
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] >= FEWEST else None


def pair_pulls(test: TestStars) -> Iterator[tuple[str, str, str, Floats, Floats]]:
    """Yield for every pair and parameter: survey, other, parameter, pulls (n,), and Teff, log g, [Fe/H], S/N (n, 4).

    A star counts by its first spectrum in each survey, where both are inside their domains. The features are the means
    of both weighted by precision, whose noise is not the difference's, and the judged survey's S/N.
    """
    order = list(test.firsts)
    for survey, other in _ordered(order):
        a, b = common(test.firsts[survey], test.firsts[other])
        inside = a.in_domain & b.in_domain
        a, b = a.at(inside), b.at(inside)
        if len(a.star) < FEWEST_FOR_COVERAGE:
            continue
        features = np.column_stack([_weighted_mean(a, b), a.snr])
        for p, parameter in enumerate(PARAMETERS):
            shared = 0.0
            if test.zero_points is not None:
                shared = float(test.zero_points[p, order.index(survey), order.index(other)])
            pulls = difference_pulls(
                a.value[:, p],
                b.value[:, p],
                a_minus=a.minus[:, p],
                a_plus=a.plus[:, p],
                b_minus=b.minus[:, p],
                b_plus=b.plus[:, p],
                shared_variance=shared,
            )
            yield survey, other, str(parameter), pulls, features


def _weighted_mean(a: SurveyStars, b: SurveyStars) -> Floats:
    weight_a, weight_b = 1 / np.maximum(a.error, 1e-9) ** 2, 1 / np.maximum(b.error, 1e-9) ** 2
    return np.asarray((weight_a * a.value + weight_b * b.value) / (weight_a + weight_b))


def coverage_rows(test: TestStars) -> list[dict[str, Any]]:
    """Return the coverage of every pair's differences, overall, in bins, in cells and in the worst slab."""
    rng = np.random.default_rng(test.plan.seed)
    rows = []
    for survey, other, parameter, pulls, features in pair_pulls(test):
        if np.isfinite(pulls).sum() < FEWEST_FOR_COVERAGE:
            continue
        report = judge_coverage(pulls, features, rng=rng)
        rows.append({"survey": survey, "other": other, "parameter": parameter} | vars(report))
    return rows


def kiel_section(test: TestStars) -> dict[str, Any]:
    """Return clumps and main sequences of every survey, and the distances of every pair, before and after."""
    rng = np.random.default_rng(test.plan.seed)
    surveys = {
        name: {"before": kiel_parts(test.kiel_before[name], rng=rng), "after": kiel_parts(after, rng=rng)}
        for name, after in test.kiel_after.items()
        if len(after)
    }
    distances = [
        {"survey": survey, "other": other, "feh": feh, "before": before, "after": after}
        for survey, other in _ordered(list(test.means))
        for feh, before, after in kiel_distances(test.means[survey], test.means[other], rng=rng)
    ]
    return {"surveys": surveys, "distances": distances}


def _ordered(order: list[str]) -> Iterator[tuple[str, str]]:
    """Yield every survey with every one that stands before it."""
    for place, survey in enumerate(order):
        for other in order[:place]:
            yield survey, other
