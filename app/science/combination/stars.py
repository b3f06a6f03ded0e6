"""From the calibrated measurements of many stars to one value a star: who enters, what comes out, what is flagged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.combination.bounded import NEVER
from app.science.combination.common_error import SharedErrors, combine_shared
from app.science.combination.correlation import combined_correlation
from app.science.combination.disagreement import disagree
from app.science.combination.split_normal import Combined

SURVEYS_DISAGREE, OUTSIDE_DOMAIN, SINGLE, AMBIGUOUS, NOTHING_INSIDE = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Contributions:
    """Calibrated measurements, those of a star next to each other.

    Attributes:
        starts: where each star begins, and the end, (s + 1,).
        survey: place of the measurement's survey in what the surveys share, (m,).
        value: Teff (K), log g, [Fe/H], (m, 3).
        minus: total error downwards, (m, 3).
        plus: total error upwards, (m, 3).
        rho: correlation of the errors (Teff with log g, Teff with [Fe/H], log g with [Fe/H]), NaN unknown, (m, 3).
        used: False where a quality cut or a missing value keeps the parameter out, (m, 3).
        in_domain: whether the value may be believed; reference parameters always, (m, 3).
        ambiguous: whether another star was as likely, (m,).
    """

    starts: Integers
    survey: Integers
    value: Floats
    minus: Floats
    plus: Floats
    rho: Floats
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


@dataclass(frozen=True)
class Homogenized:
    """Every star.

    Attributes:
        parameters: Teff, log g, [Fe/H].
        rho: correlation of their errors, in the order of `Contributions.rho`, NaN unknown, (s, 3).
    """

    parameters: tuple[HomogenizedParameter, ...]
    rho: Floats


def homogenize(
    contributions: Contributions,
    shared: SharedErrors,
    *,
    refuse_outside: bool,
    widen_factor: float,
    linear_beyond: float = 0.0,
) -> Homogenized:
    """Combine Teff, log g and [Fe/H] of every star.

    Args:
        contributions: the calibrated measurements.
        shared: what the errors of measurements have in common.
        refuse_outside: leave measurements outside their model's domain out; else they enter with errors times
            `widen_factor`.
        widen_factor: see above.
        linear_beyond: how many errors from the star's value a measurement pulls no harder than there, 0 for never.
    """
    factor = np.where(contributions.in_domain, 1.0, widen_factor)
    minus, plus = contributions.minus * factor, contributions.plus * factor
    far = linear_beyond or NEVER
    parameters = tuple(
        _one(contributions, p, minus[:, p], plus[:, p], shared, refuse_outside=refuse_outside, far=far)
        for p in range(3)
    )
    rho = combined_correlation(
        np.column_stack([part.combined.weight for part in parameters]),
        0.5 * (minus + plus),
        contributions.rho,
        contributions.survey,
        contributions.starts,
        shared.repeat_correlation,
        np.column_stack([0.5 * (part.combined.minus + part.combined.plus) for part in parameters]),
    )
    return Homogenized(parameters, rho)


def _one(
    contributions: Contributions,
    p: int,
    minus: Floats,
    plus: Floats,
    shared: SharedErrors,
    *,
    refuse_outside: bool,
    far: float,
) -> HomogenizedParameter:
    usable = contributions.used[:, p] & np.isfinite(contributions.value[:, p])
    outside = ~contributions.in_domain[:, p]
    entering = usable & ~outside if refuse_outside else usable
    combined = combine_shared(
        np.where(entering, contributions.value[:, p], np.nan),
        minus,
        plus,
        contributions.survey,
        contributions.starts,
        shared.of(p),
        linear_beyond=far,
    )
    any_outside = _any(usable & outside, contributions.starts)
    flags = (
        SURVEYS_DISAGREE * disagree(combined.p_value)
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
