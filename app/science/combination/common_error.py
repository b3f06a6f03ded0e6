"""Errors that measurements share: combined as if independent, they would make intervals far too narrow.

The error of measurement i of survey s is taken apart as

    t_i = truth + e_i + h_s + z_s,        variance d_i + u_s + C_ss,

e_i its own noise; h_s what all spectra of the star by this survey share (extra scatter tau_s^2, and the correlated
part r_s of the quoted variance); z_s the zero point of the survey, whose covariance C_st runs across surveys because
they were calibrated on the same reference. Generalized least squares weigh the survey's mean by
1 / (1 / sum(1/d) + u + C - c), where c is what the zero points of all surveys present have in common; c weighs nothing
and is added once, at the end (Koo & Clare 2012, Metrologia 49, 340). So every measurement enters the split-normal scan
with variance

    e_i^2 = d_i + (u_s + C_ss - c) d_i sum_s(1/d),

which gives the same weights, and c + sum_{s != t} W_s W_t (C_st - c) is added in quadrature to both sides, W_s being
the sum of the weights of survey s. One measurement alone keeps its total error, whatever C says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.combination.bounded import NEVER
from app.science.combination.disagreement import generalized_chi2, p_values
from app.science.combination.split_normal import Combined, combine

SMALLEST_SHARE = 0.25
"""Of a measurement's variance that stays independent, however uncertain the zero point is said to be."""
LARGEST_CORRELATION = 0.95


@dataclass(frozen=True)
class SharedErrors:
    """What the measurements of S surveys share, in Teff, log g, [Fe/H].

    Attributes:
        zero_point: covariance of the surveys' zero points, part of the measurements' total errors, (3, S, S).
        extra_scatter: standard deviation that the total errors lack, one draw a star and survey, (3, S).
        repeat_correlation: correlation of the errors of two spectra of a star by the same survey, (3, S).
    """

    zero_point: Floats
    extra_scatter: Floats
    repeat_correlation: Floats

    @classmethod
    def none(cls, surveys: int) -> Self:
        """Return errors that are all independent.

        >>> SharedErrors.none(2).zero_point.shape
        (3, 2, 2)
        """
        return cls(np.zeros((3, surveys, surveys)), np.zeros((3, surveys)), np.zeros((3, surveys)))

    def of(self, p: int) -> tuple[Floats, Floats, Floats]:
        """Return covariance (S, S), extra variance (S,) and correlation (S,) of a parameter, inside their limits."""
        correlation = np.clip(np.nan_to_num(self.repeat_correlation[p]), 0.0, LARGEST_CORRELATION)
        extra = np.square(np.nan_to_num(self.extra_scatter[p]))
        return np.ascontiguousarray(np.nan_to_num(self.zero_point[p])), extra, correlation


@dataclass(frozen=True)
class Parts:
    """The errors of measurements taken apart, as variances.

    Attributes:
        minus: independent variance downwards, (m,).
        plus: independent variance upwards, (m,).
        shared: u + C - c of the survey at this star, the same for its spectra, (m,).
        load: by how much the survey's zero point error is taken smaller at this star than C says, 0 to 1, (m,).
        common: c of each star, (g,).
        scan_minus: error with which the measurement enters the scan, downwards, (m,).
        scan_plus: the same upwards, (m,).
    """

    minus: Floats
    plus: Floats
    shared: Floats
    load: Floats
    common: Floats
    scan_minus: Floats
    scan_plus: Floats


def take_apart(
    minus: Floats,
    plus: Floats,
    entering: Booleans,
    survey: Integers,
    starts: Integers,
    shared: tuple[Floats, Floats, Floats],
) -> Parts:
    """Take the total errors of measurements apart.

    Args:
        minus: total error downwards, (m,).
        plus: total error upwards, (m,).
        entering: which measurements are combined, (m,).
        survey: place of the measurement's survey, (m,).
        starts: where each star begins, and the end, (g + 1,).
        shared: zero point covariance (S, S), extra variance (S,) and correlation of repeats (S,).

    >>> parts = take_apart(np.full(2, 5.0), np.full(2, 5.0), np.ones(2, dtype=bool), np.array([0, 1]),
    ...                    np.array([0, 2]), (np.full((2, 2), 9.0), np.zeros(2), np.zeros(2)))
    >>> parts.scan_plus.tolist(), parts.common.tolist()
    ([4.0, 4.0], [9.0])
    """
    covariance, extra, correlation = shared
    out = np.empty((6, len(minus)))
    common = np.zeros(len(starts) - 1)
    sides = (np.ascontiguousarray(minus), np.ascontiguousarray(plus), entering, survey, starts)
    _take_apart(*sides, covariance, extra, correlation, out, common)
    return Parts(out[0], out[1], out[2], out[3], common, out[4], out[5])


def combine_shared(
    value: Floats,
    minus: Floats,
    plus: Floats,
    survey: Integers,
    starts: Integers,
    shared: tuple[Floats, Floats, Floats],
    *,
    linear_beyond: float = NEVER,
) -> Combined:
    """Combine measurements whose errors are partly shared; arguments as in `combine` and `take_apart`.

    `chi2` is that of generalized least squares: what all measurements share says nothing about their agreement. It is
    counted from the plain minimum, so that its p-value means the same whether far measurements are bounded or not.

    >>> errors = np.full(2, 5.0)
    >>> same_reference = (np.full((2, 2), 9.0), np.zeros(2), np.zeros(2))
    >>> star = combine_shared(np.array([0.0, 8.0]), errors, errors, np.array([0, 1]), np.array([0, 2]), same_reference)
    >>> star.value.tolist(), star.plus.round(3).tolist(), star.chi2.tolist()
    ([4.0], [4.123], [2.0])
    """
    usable = np.isfinite(value) & np.isfinite(minus) & np.isfinite(plus)
    entering = np.asarray(usable & (minus > 0) & (plus > 0))
    parts = take_apart(minus, plus, entering, survey, starts, shared)
    entered = np.where(entering, value, np.nan)
    scan = combine(entered, parts.scan_minus, parts.scan_plus, starts, linear_beyond=linear_beyond)
    added = parts.common + _across_surveys(scan.weight, parts.load, parts.common, survey, starts, shared[0])
    chi2 = generalized_chi2(value, scan.plain, scan.weight, parts.minus, parts.plus, parts.shared, survey, starts)
    return Combined(
        value=scan.value,
        minus=_in_quadrature(scan.minus, added),
        plus=_in_quadrature(scan.plus, added),
        n=scan.n,
        chi2=chi2,
        p_value=p_values(chi2, scan.n),
        weight=scan.weight,
        plain=scan.plain,
    )


def _in_quadrature(error: Floats, variance: Floats) -> Floats:
    square = np.square(error)
    return np.asarray(np.sqrt(np.maximum(square + variance, SMALLEST_SHARE * square)))


@numba.njit(cache=True, nogil=True)
def _take_apart(
    minus: Any,
    plus: Any,
    entering: Any,
    survey: Any,
    starts: Any,
    covariance: Any,
    extra: Any,
    correlation: Any,
    out: Any,
    common: Any,
) -> None:
    surveys = len(covariance)
    spectra = np.zeros(surveys, np.int64)
    load, square, fourth = np.empty(surveys), np.empty(surveys), np.empty(surveys)
    for group in range(len(starts) - 1):
        star = range(starts[group], starts[group + 1])
        _weigh_zero_points(star, minus, plus, entering, survey, covariance, spectra, load)
        _leave_zero_points_out(star, minus, plus, entering, survey, covariance, load, out, square, fourth)
        common[group] = _common(spectra, load, survey, starts[group], starts[group + 1], covariance)
        for i in star:
            if not entering[i]:
                for part in range(len(out)):
                    out[part, i] = np.nan
                continue
            s = survey[i]
            # The spectra's shared part is that of the precise ones: a poor spectrum more must not make the star worse.
            r = correlation[s] if spectra[s] > 1 else 0.0
            shared = r * square[s] / fourth[s] + extra[s] + load[s] * load[s] * covariance[s, s] - common[group]
            out[0, i] *= 1.0 - r
            out[1, i] *= 1.0 - r
            out[2, i], out[3, i] = shared, load[s]
            stretch = shared * 0.5 * (out[0, i] + out[1, i]) * square[s] / (1.0 - r)
            out[4, i] = np.sqrt(out[0, i] + stretch)
            out[5, i] = np.sqrt(out[1, i] + stretch)


@numba.njit(cache=True, nogil=True)
def _weigh_zero_points(
    star: Any, minus: Any, plus: Any, entering: Any, survey: Any, covariance: Any, spectra: Any, load: Any
) -> None:
    """Write the number of spectra of each survey of a star, and the factor that leaves its errors an own part."""
    for i in star:
        spectra[survey[i]] = 0
    for i in star:
        if not entering[i]:
            continue
        s = survey[i]
        if spectra[s] == 0:
            load[s] = 1.0
        spectra[s] += 1
        narrower = min(minus[i], plus[i])
        room = (1.0 - SMALLEST_SHARE) * narrower * narrower
        if covariance[s, s] * load[s] * load[s] > room:
            load[s] = np.sqrt(room / covariance[s, s])


@numba.njit(cache=True, nogil=True)
def _leave_zero_points_out(
    star: Any,
    minus: Any,
    plus: Any,
    entering: Any,
    survey: Any,
    covariance: Any,
    load: Any,
    out: Any,
    square: Any,
    fourth: Any,
) -> None:
    """Write each measurement's variance without its zero point, and the sums of 1/d and 1/d^2 of each survey."""
    for i in star:
        square[survey[i]] = fourth[survey[i]] = 0.0
    for i in star:
        if not entering[i]:
            continue
        s = survey[i]
        zero_point = load[s] * load[s] * covariance[s, s]
        out[0, i] = minus[i] * minus[i] - zero_point
        out[1, i] = plus[i] * plus[i] - zero_point
        weight = 2.0 / (out[0, i] + out[1, i])
        square[s] += weight
        fourth[s] += weight * weight


@numba.njit(cache=True, nogil=True)
def _common(spectra: Any, load: Any, survey: Any, first: int, last: int, covariance: Any) -> float:
    """Return the least covariance of the zero points of two surveys of a star, of a lone survey its variance."""
    least, alone = np.inf, 0.0
    for i in range(first, last):
        s = survey[i]
        if spectra[s] == 0:
            continue
        alone = load[s] * load[s] * covariance[s, s]
        for j in range(first, i):
            t = survey[j]
            if t != s and spectra[t] > 0:
                least = min(least, load[s] * load[t] * covariance[s, t])
    if least == np.inf:
        return alone
    for i in range(first, last):  # a zero point shares no more than it has
        if spectra[survey[i]] > 0:
            least = min(least, load[survey[i]] ** 2 * covariance[survey[i], survey[i]])
    return max(least, 0.0)


@numba.njit(cache=True, nogil=True)
def _across_surveys(weight: Any, load: Any, common: Any, survey: Any, starts: Any, covariance: Any) -> Any:
    """Return the sum over surveys s != t of W_s W_t (C_st - c) of each star, (g,)."""
    result = np.zeros(len(starts) - 1)
    for group in range(len(starts) - 1):
        first, last = starts[group], starts[group + 1]
        for i in range(first, last):
            if weight[i] <= 0.0:
                continue
            for j in range(first, i):
                s, t = survey[i], survey[j]
                if weight[j] > 0.0 and s != t:
                    shared = load[i] * load[j] * covariance[s, t] - common[group]
                    result[group] += 2.0 * weight[i] * weight[j] * shared
    return result
