"""The gate of a plan: limits that a version must keep to be published without being forced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.quantities import Parameter


@dataclass(frozen=True)
class Gate:
    """Limits for the validation report; None sets no limit.

    Attributes:
        max_offset_sigma: largest |median residual| of a calibrated pair in units of its standard error.
        max_median: largest |median residual| of a calibrated pair by parameter: K, dex, dex.
        coverage: least and largest share of differences inside their stated 68 % errors, for every pair.
        max_pull_width: largest width of the pulls of any survey, pair, or number of surveys.
        fewest_stars: what rests on fewer test stars is not judged.
    """

    max_offset_sigma: float | None = None
    max_median: Mapping[Parameter, float] | None = None
    coverage: tuple[float, float] | None = None
    max_pull_width: float | None = None
    fewest_stars: int = 100

    def as_mapping(self) -> dict[str, Any]:
        """Return the limits that are set, as a plan's table `[gate]` holds them."""
        limits: dict[str, Any] = {"fewest_stars": self.fewest_stars}
        if self.max_median is not None:
            limits["max_median"] = {str(parameter): limit for parameter, limit in self.max_median.items()}
        if self.coverage is not None:
            limits["coverage"] = list(self.coverage)
        for name in ("max_offset_sigma", "max_pull_width"):
            if getattr(self, name) is not None:
                limits[name] = getattr(self, name)
        return limits


@dataclass(frozen=True)
class GateFailure:
    """A limit that a version does not keep: which, where, the number found and the number allowed."""

    limit: str
    where: str
    found: float
    allowed: float

    def __str__(self) -> str:
        """Return it as one line for a person.

        >>> str(GateFailure("max_median", "lamost_lrs - apogee_dr17, logg", 0.0412, 0.03))
        'max_median: lamost_lrs - apogee_dr17, logg: 0.0412 (allowed 0.03)'
        """
        return f"{self.limit}: {self.where}: {self.found:.4g} (allowed {self.allowed:g})"
