"""Calibrated values of one parameter in all surveys, a row for each star and survey: what audit and graph look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.network_gls import Solution, StarSystem, solve


@dataclass(frozen=True)
class Sightings:
    """Stars that at least two surveys saw.

    Attributes:
        names: the surveys, (S,).
        anchors: which of them define the scale, (S,).
        survey: place of the survey, (n,).
        star: place of the star, 0 to m - 1, (n,).
        value: calibrated value, (n,).
        error: its symmetric standard error, (n,).
    """

    names: tuple[str, ...]
    anchors: Booleans
    survey: Integers
    star: Integers
    value: Floats
    error: Floats

    @property
    def stars(self) -> int:
        """How many stars there are."""
        return int(self.star.max()) + 1 if len(self.star) else 0

    def system(self) -> StarSystem:
        """Return the equations x = t + z_s + e with free t, and z = 0 for the anchors."""
        free = np.flatnonzero(~self.anchors)
        return StarSystem(
            star=self.star,
            survey=self.survey,
            design=(self.survey[:, None] == free).astype(np.float64),
            value=self.value,
            quoted=np.square(self.error),
            known=np.zeros(self.stars),
            owner=free,
            shrinkage=np.zeros(len(free)),
            surveys=len(self.names),
        )

    def fitted(self) -> Solution:
        """Return the constants of all surveys with the weights of the sightings.

        Raises:
            ValueError: a survey has no path to an anchor.
        """
        return solve(self.system())


def sightings(values: Mapping[str, tuple[Integers, Floats, Floats]], anchors: tuple[str, ...]) -> Sightings:
    """Return the sightings of stars that at least two of the surveys saw.

    Args:
        values: per survey star numbers, values and standard errors, (k,) each; several rows of a star are averaged,
            rows without a finite value and a positive error passed over.
        anchors: surveys that define the scale.
    """
    parts = [_one_per_star(*columns) for columns in values.values()]
    survey = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    number, value, error = (np.concatenate([part[k] for part in parts]) for k in range(3))
    _, star, counts = np.unique(number, return_inverse=True, return_counts=True)
    shared = counts[star] > 1
    _, star = np.unique(star[shared], return_inverse=True)
    names = tuple(values)
    return Sightings(
        names, np.isin(np.array(names), np.array(anchors)), survey[shared], star, value[shared], error[shared]
    )


def _one_per_star(star: Integers, value: Floats, error: Floats) -> tuple[Integers, Floats, Floats]:
    good = np.isfinite(value) & np.isfinite(error) & (error > 0)
    numbers, place, counts = np.unique(star[good], return_inverse=True, return_counts=True)
    mean = [np.bincount(place, column[good], minlength=len(numbers)) / counts for column in (value, np.square(error))]
    return numbers, mean[0], np.sqrt(mean[1])
