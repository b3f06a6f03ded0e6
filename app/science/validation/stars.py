"""One survey, star by star, as validation compares it: each star once, by the mean of its spectra or by the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.validation.pairs import SurveyValues


@dataclass(frozen=True)
class SurveyStars:
    """The stars of one survey; a parameter that is missing or excluded is NaN in all its arrays.

    Attributes:
        star: star numbers, rising, (n,).
        raw: Teff (K), log g, [Fe/H] as reported, (n, 3).
        value: the same after calibration, (n, 3).
        minus: 68 % error downwards of the calibrated value, (n, 3).
        plus: error upwards, (n, 3).
        in_domain: whether the calibration stands behind all spectra of the star, (n,).
        snr: signal-to-noise ratio, (n,).
        magnitude: G where it is known, else K, (n,).
    """

    star: Integers
    raw: Floats
    value: Floats
    minus: Floats
    plus: Floats
    in_domain: Booleans
    snr: Floats
    magnitude: Floats

    @property
    def error(self) -> Floats:
        """Symmetric error of the calibrated value, (n, 3)."""
        return np.asarray(0.5 * (self.minus + self.plus))

    def at(self, chosen: Integers | Booleans) -> SurveyStars:
        """Return the stars at these places, or those for which `chosen` holds."""
        return SurveyStars(**{name: column[chosen] for name, column in vars(self).items()})

    def values(self, p: int) -> SurveyValues:
        """Return one parameter of the stars that have it."""
        there = np.isfinite(self.raw[:, p]) & np.isfinite(self.value[:, p])
        part = self.at(there)
        return SurveyValues(part.star, part.raw[:, p], part.value[:, p], part.error[:, p], part.in_domain)


def spectra_of(
    star: Integers,
    raw: Floats,
    value: Floats,
    minus: Floats,
    plus: Floats,
    *,
    used: Booleans,
    in_domain: Booleans,
    snr: Floats,
    magnitude: Floats,
) -> SurveyStars:
    """Return spectra (m,) as they come, with what is not used (m, 3) or not finite taken out."""
    good = used & np.isfinite(raw) & np.isfinite(value)
    raw, value, minus, plus = (np.where(good, column, np.nan) for column in (raw, value, minus, plus))
    return SurveyStars(star, raw, value, minus, plus, in_domain, snr, magnitude)


def first_per_star(spectra: SurveyStars) -> SurveyStars:
    """Keep the first spectrum of each star: stated errors of one spectrum are then judged as they stand.

    >>> nothing = np.zeros((3, 3))
    >>> spectra = SurveyStars(np.array([4, 4, 7]), *[nothing] * 4, np.ones(3, dtype=bool), np.arange(3.0), np.ones(3))
    >>> first_per_star(spectra).snr.tolist()
    [0.0, 2.0]
    """
    return spectra.at(np.asarray(np.unique(spectra.star, return_index=True)[1], dtype=np.int64))


def mean_per_star(spectra: SurveyStars) -> SurveyStars:
    """Average the spectra of each star; errors shrink by the root of their number.

    >>> nothing = np.zeros((3, 3))
    >>> spectra = SurveyStars(np.array([4, 4, 7]), *[nothing] * 4, np.ones(3, dtype=bool), np.arange(3.0), np.ones(3))
    >>> mean_per_star(spectra).snr.tolist()
    [0.5, 2.0]
    """
    star, place = np.unique(spectra.star, return_inverse=True)
    stars = len(star)

    def mean(column: Floats) -> tuple[Floats, Floats]:
        known = np.isfinite(column)
        count = np.bincount(place[known], minlength=stars)
        total = np.bincount(place[known], weights=column[known], minlength=stars)
        return np.divide(total, count, out=np.full(stars, np.nan), where=count > 0), np.sqrt(np.maximum(count, 1))

    def columns(three: Floats, *, shrink: bool = False) -> Floats:
        parts = [mean(three[:, p]) for p in range(three.shape[1])]
        return np.column_stack([centre / root if shrink else centre for centre, root in parts])

    outside = np.bincount(place, weights=~spectra.in_domain, minlength=stars) > 0
    return SurveyStars(
        star=star,
        raw=columns(spectra.raw),
        value=columns(spectra.value),
        minus=columns(spectra.minus, shrink=True),
        plus=columns(spectra.plus, shrink=True),
        in_domain=~outside,
        snr=mean(spectra.snr)[0],
        magnitude=mean(spectra.magnitude)[0],
    )


def common(mine: SurveyStars, *others: SurveyStars) -> tuple[SurveyStars, ...]:
    """Return the surveys on the stars that all of them have, row by row the same star."""
    shared = mine.star
    for other in others:
        shared = np.intersect1d(shared, other.star, assume_unique=True)
    return tuple(part.at(np.searchsorted(part.star, shared)) for part in (mine, *others))
