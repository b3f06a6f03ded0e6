"""Which error model of a survey stands: the declared one, that of its repeats, or that of the three-cornered hat.

Repeats tell the factor on the quoted error and the floor apart, but see nothing that comes back with every spectrum of
a star. The hat sees all of a survey's error that other surveys do not share, as one number. So k is taken from repeats,
the floor is raised until the error of the hat's stars is what the hat says where that is significantly more, and what
neither can say is left as it was declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.science.uncertainty.repeats import RepeatError

ENOUGH_STARS = 100
SIGNIFICANT = 3.0
"""Errors by which the hat must exceed the repeats before it raises their floor, or be away from zero to count."""


class Source(StrEnum):
    """Where an error model comes from."""

    DECLARED = "declared"
    REPEATS = "repeats"
    HAT = "three-cornered hat"
    BOTH = "repeats, floor from the hat"


@dataclass(frozen=True)
class ErrorScaling:
    """sigma^2 = (k e)^2 + floor^2 for the quoted error e, `k` 0 where nothing is quoted; and what it was found from."""

    k: float
    floor: float
    source: Source

    def sigma(self, quoted: float) -> float:
        """Return the error of a measurement that quotes this one, NaN for none.

        >>> ErrorScaling(1.41, 90.0, Source.REPEATS).sigma(41.0).__round__()
        107
        """
        return float(np.hypot(0.0 if np.isnan(quoted) else self.k * quoted, self.floor))


@dataclass(frozen=True)
class HatError:
    """One survey's error by the hat: its variance (which may be negative) with error, quoted there, and the stars."""

    stars: int
    variance: float
    variance_error: float
    quoted: float
    others: tuple[str, ...]

    @property
    def sigma(self) -> float:
        """Standard deviation, NaN where the variance is not positive."""
        return float(np.sqrt(self.variance)) if self.variance > 0.0 else float("nan")

    @property
    def sigma_error(self) -> float:
        """Its error to first order, NaN where the variance is not positive."""
        return 0.5 * self.variance_error / self.sigma

    @property
    def usable(self) -> bool:
        """Whether there are enough stars and the variance is clearly positive."""
        return self.stars >= ENOUGH_STARS and self.variance > SIGNIFICANT * self.variance_error


def decide(declared: ErrorScaling, repeats: RepeatError | None, hat: HatError | None) -> ErrorScaling:
    """Return the error model that stands.

    >>> hat = HatError(500, 60.0**2, 200.0, 20.0, ("one", "other"))
    >>> decide(ErrorScaling(1.0, 0.0, Source.DECLARED), None, hat)
    ErrorScaling(k=3.0, floor=0.0, source=<Source.HAT: 'three-cornered hat'>)
    """
    if repeats is None or repeats.stars < ENOUGH_STARS:
        return _of_hat(hat) if hat is not None and hat.usable else declared
    found = ErrorScaling(float(np.nan_to_num(repeats.k)), repeats.floor, Source.REPEATS)
    if hat is None or not hat.usable:
        return found
    missing = hat.variance - found.sigma(hat.quoted) ** 2
    relative = repeats.scatter_error / repeats.scatter
    if missing < SIGNIFICANT * float(np.hypot(hat.variance_error, 2.0 * relative * found.sigma(hat.quoted) ** 2)):
        return found
    return ErrorScaling(found.k, float(np.sqrt(found.floor**2 + missing)), Source.BOTH)


def _of_hat(hat: HatError) -> ErrorScaling:
    if np.isnan(hat.quoted):
        return ErrorScaling(0.0, hat.sigma, Source.HAT)
    return ErrorScaling(hat.sigma / hat.quoted, 0.0, Source.HAT)
