"""Links: the stars that a survey has in common with the reference scale, spectrum by spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Booleans, Floats, Integers

TRAIN, CONFORMALIZE, TEST = 0, 1, 2


@dataclass(frozen=True)
class Links:
    """A survey's spectra of stars whose parameters the reference scale knows.

    Attributes:
        star: number of the star; a star may have several spectra, (n,).
        split: 0 train, 1 conformalize, 2 test; the same for all spectra of a star, (n,).
        reported: the survey's Teff (K), log g, [Fe/H], (n, 3).
        reference: the same on the reference scale, (n, 3).
        reference_error: symmetric standard errors of the reference, NaN where unknown, (n, 3).
        nuisance: features beside the stellar parameters, (n, k).
        nuisance_names: their names, k of `log_snr`, `g_mag`, `k_mag`.
    """

    star: Integers
    split: Integers
    reported: Floats
    reference: Floats
    reference_error: Floats
    nuisance: Floats
    nuisance_names: tuple[str, ...]

    @property
    def weights(self) -> Floats:
        """One over the number of spectra of the star, (n,): every star counts once."""
        _, place, counts = np.unique(self.star, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[place])

    @property
    def stars(self) -> int:
        """How many different stars there are."""
        return len(np.unique(self.star))

    def where(self, chosen: Booleans) -> Links:
        """Return the links for which `chosen` (n,) holds."""
        return Links(
            self.star[chosen],
            self.split[chosen],
            self.reported[chosen],
            self.reference[chosen],
            self.reference_error[chosen],
            self.nuisance[chosen],
            self.nuisance_names,
        )

    def precise(self, fewest: int) -> Links:
        """Return the links whose reference is as good as the best, where these are `fewest` stars or more, else all.

        As good: in no parameter more than twice the median error. Noisier references teach little that many precise
        ones do not, and would widen the intervals.
        """
        known = self.finite()
        if known.stars < fewest:
            return self
        limit = 2.0 * np.median(known.reference_error, axis=0)
        chosen = known.where(np.asarray((known.reference_error <= limit).all(axis=1)))
        return chosen if chosen.stars >= fewest else self

    def sharp(self, fewest: int) -> Links:
        """Return the links with references like the best quarter's, where these are `fewest` stars or more, else all.

        Like it: in no parameter more than twice the lower quartile of the errors. A finished scale holds values of very
        different worth, and references as noisy as the survey itself would widen its intervals. Stars of the test split
        do not count.
        """
        known = self.finite()
        learnt = known.where(known.split != TEST)
        if learnt.stars < fewest:
            return self
        limit = 2.0 * np.quantile(learnt.reference_error, 0.25, axis=0)
        chosen = known.where(np.asarray((known.reference_error <= limit).all(axis=1)))
        return chosen if chosen.where(chosen.split != TEST).stars >= fewest else self

    def finite(self) -> Links:
        """Return the links in which both sides have all three parameters."""
        whole = np.hstack([self.reported, self.reference])
        return self.where(np.asarray(np.isfinite(whole).all(axis=1)))


def folds_of(star: Integers, folds: int) -> Integers:
    """Return the fold of each spectrum (n,), the same for all spectra of a star and the same in every run.

    >>> folds_of(np.array([7, 7, 8]), 5)[0] == folds_of(np.array([7, 9]), 5)[0]
    np.True_
    """
    mixed = star.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing spreads neighbouring numbers
    return np.asarray((mixed >> np.uint64(40)) % np.uint64(folds), dtype=np.int64)
