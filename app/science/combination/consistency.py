"""How consistent the calibrated surveys are as a population: extra scatter of each, correlation of its repeats.

Estimated from stars that two surveys saw, or one twice, of the conformal set; stars in training join where the
conformal set has too few; test stars never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.combination.extra_scatter import Excess, ExtraScatter, excess_of, solve
from app.science.combination.repeats import RepeatCorrelation, first_two, repeat_correlation

CONFORMALIZE, TEST = 1, 2
ENOUGH = 50
"""Common stars of the conformal set below which training stars join."""


@dataclass(frozen=True)
class Sightings:
    """One parameter of one survey: its calibrated measurements of stars that are not test stars, in star order.

    Attributes:
        star: star number, rising, (n,).
        split: 0 train, 1 conformalize, (n,).
        value: calibrated value, (n,).
        variance: independent part of its variance, (n,).
        usable: whether it would be combined, (n,).
    """

    star: Integers
    split: Integers
    value: Floats
    variance: Floats
    usable: Booleans

    def where(self, chosen: Booleans) -> Sightings:
        """Return the measurements for which `chosen` (n,) holds."""
        return Sightings(
            self.star[chosen], self.split[chosen], self.value[chosen], self.variance[chosen], self.usable[chosen]
        )

    @property
    def first_of_each(self) -> Sightings:
        """The first usable measurement of each star."""
        usable = self.where(self.usable)
        return usable.where(np.diff(usable.star, prepend=-1) != 0)


@dataclass(frozen=True)
class Consistency:
    """One parameter: the extra scatter of all surveys, the correlation of each one's repeats, the pairs behind them."""

    extra: ExtraScatter
    repeats: tuple[RepeatCorrelation, ...]
    pairs: tuple[Excess, ...]


def measure(surveys: Sequence[Sightings]) -> Consistency:
    """Measure one parameter of all surveys against one another.

    >>> star, one = np.arange(4000), np.ones(4000)
    >>> rng = np.random.default_rng(1)
    >>> views = [Sightings(star, star % 2, rng.normal(size=4000), one, one > 0) for _ in range(3)]
    >>> bool(measure(views).extra.scatter.max() < 0.4)
    True
    """
    singles = [survey.first_of_each for survey in surveys]
    found = (_pair(a, b, singles[a], singles[b]) for a, b in combinations(range(len(surveys)), 2))
    pairs = tuple(pair for pair in found if pair is not None)
    extra = solve(pairs, len(surveys))
    repeats = tuple(_repeats(survey, float(factor)) for survey, factor in zip(surveys, extra.factor, strict=True))
    return Consistency(extra, repeats, pairs)


def _pair(first: int, second: int, mine: Sightings, theirs: Sightings) -> Excess | None:
    _, left, right = np.intersect1d(mine.star, theirs.star, assume_unique=True, return_indices=True)
    chosen = _unseen_by_models(mine.split[left])
    left, right = left[chosen], right[chosen]
    difference = mine.value[left] - theirs.value[right]
    return excess_of(first, second, difference, mine.variance[left], theirs.variance[right])


def _repeats(survey: Sightings, factor: float) -> RepeatCorrelation:
    left, right = first_two(survey.star, survey.usable)
    chosen = _unseen_by_models(survey.split[left])
    left, right = left[chosen], right[chosen]
    variance = survey.variance[left] + survey.variance[right]
    return repeat_correlation(survey.value[left] - survey.value[right], variance, factor=factor)


def _unseen_by_models(split: Integers) -> Booleans:
    """Choose the stars of the conformal set, with those in training where it has too few, (n,)."""
    unseen = split == CONFORMALIZE
    return np.asarray(unseen if unseen.sum() >= ENOUGH else split != TEST)
