"""From the calibrated measurements of many stars to one value a star: who enters, what comes out, what is flagged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.combination.split_normal import Combined, combine

DISAGREEMENT = 1e-3
"""Below this p-value the measurements of a star are said to disagree."""

SURVEYS_DISAGREE, OUTSIDE_DOMAIN, SINGLE, AMBIGUOUS, NOTHING_INSIDE = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Contributions:
    """Calibrated measurements, those of a star next to each other.

    Attributes:
        starts: where each star begins, and the end, (s + 1,).
        value: Teff (K), log g, [Fe/H], (m, 3).
        minus: error downwards, (m, 3).
        plus: error upwards, (m, 3).
        used: False where a quality cut or a missing value keeps the parameter out, (m, 3).
        in_domain: whether the value may be believed; reference parameters always, (m, 3).
        ambiguous: whether another star was as likely, (m,).
    """

    starts: Integers
    value: Floats
    minus: Floats
    plus: Floats
    used: Booleans
    in_domain: Booleans
    ambiguous: Booleans


@dataclass(frozen=True)
class HomogenizedParameter:
    """One parameter of every star, and what each measurement had to do with it.

    `flags` (s,): 1 the surveys disagree, 2 a measurement lies outside its model's domain, 4 one measurement only,
    8 an ambiguous match is among them, 16 every measurement lies outside, so that there is no value.
    """

    combined: Combined
    flags: Integers


def homogenize(
    contributions: Contributions, *, refuse_outside: bool, widen_factor: float
) -> tuple[HomogenizedParameter, ...]:
    """Combine Teff, log g and [Fe/H] of every star.

    Args:
        contributions: the calibrated measurements.
        refuse_outside: leave measurements outside their model's domain out; else they enter with errors times
            `widen_factor`.
        widen_factor: see above.
    """
    return tuple(_one(contributions, p, refuse_outside, widen_factor) for p in range(contributions.value.shape[1]))


def _one(contributions: Contributions, p: int, refuse_outside: bool, widen_factor: float) -> HomogenizedParameter:
    usable = contributions.used[:, p] & np.isfinite(contributions.value[:, p])
    outside = ~contributions.in_domain[:, p]
    entering = usable & ~outside if refuse_outside else usable
    factor = np.where(outside, widen_factor, 1.0)
    combined = combine(
        np.where(entering, contributions.value[:, p], np.nan),
        contributions.minus[:, p] * factor,
        contributions.plus[:, p] * factor,
        contributions.starts,
    )
    with np.errstate(invalid="ignore"):
        disagree = combined.p_value < DISAGREEMENT
    any_outside = _any(usable & outside, contributions.starts)
    flags = (
        SURVEYS_DISAGREE * disagree
        + OUTSIDE_DOMAIN * any_outside
        + SINGLE * (combined.n == 1)
        + AMBIGUOUS * _any(entering & contributions.ambiguous, contributions.starts)
        + NOTHING_INSIDE * ((combined.n == 0) & any_outside)
    )
    return HomogenizedParameter(combined, flags.astype(np.int64))


def _any(condition: Booleans, starts: Integers) -> Booleans:
    """Return for each star whether the condition (m,) holds for one of its measurements, (s,)."""
    total = np.concatenate([[0], np.cumsum(condition)])
    return np.asarray(total[starts[1:]] > total[starts[:-1]])
