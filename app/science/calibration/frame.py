"""The measurements of one survey as arrays: what it reported, with which errors, at which S/N and magnitude."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.science.arrays import Booleans, Floats, Integers, Numbers
from app.science.calibration.features import log_snr

PARAMETERS = ("teff", "logg", "feh")
MAGNITUDES = ("g_mag", "k_mag")
_COLUMNS = ("star", "split", "reported", "minus", "plus", "used", "snr", "magnitudes")
Cuts = Mapping[str, tuple[float, float]]
NEEDED_SHARE = 0.9
"""A nuisance feature is used where at least this share of the links has it."""


@dataclass(frozen=True)
class Frame:
    """Measurements of one survey.

    Attributes:
        star: star number, (n,).
        split: 0 train, 1 conformalize, 2 test, (n,).
        reported: Teff (K), log g, [Fe/H], NaN where missing, (n, 3).
        minus: error downwards, NaN where the survey gives none, (n, 3).
        plus: error upwards, (n, 3).
        used: False where a quality cut excludes the parameter or it is missing, (n, 3).
        snr: signal-to-noise ratio, (n,).
        magnitudes: G and K, (n, 2).
        number: of the measurement in the database, which its Monte Carlo draws go by, (n,); None where it has none.
    """

    star: Integers
    split: Integers
    reported: Floats
    minus: Floats
    plus: Floats
    used: Booleans
    snr: Floats
    magnitudes: Floats
    number: Integers | None = None

    def where(self, chosen: Booleans) -> Frame:
        """Return the measurements for which `chosen` (n,) holds."""
        number = None if self.number is None else self.number[chosen]
        parts = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return Frame(**parts, number=number)

    def within(self, cuts: Cuts) -> Frame:
        """Return the frame in which only measurements within all cuts (lowest, highest by quantity) are used.

        A measurement whose S/N or parameter is missing does not keep a cut on it.
        """
        if not cuts:
            return self
        kept = np.ones(len(self.star), dtype=bool)
        columns = {"snr": self.snr} | {name: self.reported[:, p] for p, name in enumerate(PARAMETERS)}
        for name, (lowest, highest) in cuts.items():
            kept &= (columns[name] >= lowest) & (columns[name] <= highest)
        return replace(self, used=self.used & kept[:, None])

    def nuisance(self, names: tuple[str, ...]) -> Floats:
        """Return the nuisance features of these names, (n, k)."""
        columns = {"log_snr": log_snr(self.snr), "g_mag": self.magnitudes[:, 0], "k_mag": self.magnitudes[:, 1]}
        return np.column_stack([columns[name] for name in names]) if names else np.zeros((len(self.star), 0))

    def nuisance_names(self, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Return the nuisance features that nearly every measurement has: log S/N, and one magnitude (G before K)."""
        names = []
        if "snr" in allowed and _share(log_snr(self.snr)) >= NEEDED_SHARE:
            names.append("log_snr")
        if "magnitude" in allowed:
            present = [name for i, name in enumerate(MAGNITUDES) if _share(self.magnitudes[:, i]) >= NEEDED_SHARE]
            names += present[:1]
        return tuple(names)


def frame_of(columns: Mapping[str, Numbers]) -> Frame:
    """Return the frame of columns by name (star_id, split, snr, g_mag, k_mag, teff ... excluded), each (n,)."""
    reported = _three(columns, "")
    excluded = columns["excluded"].astype(np.int64)
    cut = np.column_stack([(excluded >> bit) & 1 for bit in range(len(PARAMETERS))]).astype(bool)
    return Frame(
        star=columns["star_id"].astype(np.int64),
        split=columns["split"].astype(np.int64),
        reported=reported,
        minus=_three(columns, "_err_lower"),
        plus=_three(columns, "_err_upper"),
        used=np.isfinite(reported) & ~cut,
        snr=columns["snr"].astype(np.float64),
        magnitudes=np.column_stack([columns[name] for name in MAGNITUDES]).astype(np.float64),
        number=columns["measurement_id"].astype(np.int64) if "measurement_id" in columns else None,
    )


def _three(columns: Mapping[str, Numbers], suffix: str) -> Floats:
    return np.column_stack([columns[name + suffix] for name in PARAMETERS]).astype(np.float64)


def _share(values: Floats) -> float:
    return float(np.isfinite(values).mean()) if len(values) else 0.0
