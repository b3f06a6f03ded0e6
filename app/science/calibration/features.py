"""What a model of a survey's bias may look at: the star's parameters, and the spectrum's S/N and magnitude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats

STELLAR = ("teff", "logg", "feh")


@dataclass(frozen=True)
class FeatureSpace:
    """The features of one survey's models: names, typical value and width, and the range seen in training.

    Attributes:
        names: Teff, logg, [Fe/H] first, then the nuisance features that the survey has.
        centre: median of each feature over the training stars, (k,).
        width: robust width of each feature, (k,), never zero.
        lowest: lower ends of the range within which a model is evaluated, (k,); values outside are clipped to it.
        highest: upper ends of that range, (k,).
    """

    names: tuple[str, ...]
    centre: Floats
    width: Floats
    lowest: Floats
    highest: Floats

    @property
    def nuisance(self) -> tuple[str, ...]:
        """The features beside Teff, logg and [Fe/H]."""
        return self.names[len(STELLAR) :]

    def clip(self, features: Floats) -> Floats:
        """Return features (n, k) moved into the training range, missing ones at the typical value."""
        filled = np.where(np.isnan(features), self.centre, features)
        return np.clip(filled, self.lowest, self.highest)

    def standardize(self, features: Floats) -> Floats:
        """Return clipped features (n, k) in units of the training width."""
        return (self.clip(features) - self.centre) / self.width


def feature_space(features: Floats, names: tuple[str, ...], *, margin: float = 0.002) -> FeatureSpace:
    """Learn the space from training features (n, k), leaving out `margin` of the stars at each end.

    Raises:
        ValueError: a feature has no value at all.
    """
    if np.isnan(features).all(axis=0).any():
        missing = [name for name, column in zip(names, features.T, strict=True) if np.isnan(column).all()]
        raise ValueError(f"no training star has a value of {', '.join(missing)}")
    centre = np.nanmedian(features, axis=0)
    low, high = np.nanquantile(features, [margin, 1 - margin], axis=0)
    width = np.nanstd(features, axis=0)
    return FeatureSpace(names, centre, np.where(width > 0, width, 1.0), low, high)


def stack(stellar: Floats, nuisance: Floats) -> Floats:
    """Return the feature matrix (n, 3 + k) of stellar parameters (n, 3) and nuisance features (n, k)."""
    return np.hstack([stellar, nuisance]) if nuisance.shape[1] else stellar


def log_snr(snr: Floats) -> Floats:
    """Return log10 of the signal-to-noise ratio, NaN where it is missing or not positive.

    >>> log_snr(np.array([100.0, -1.0])).tolist()
    [2.0, nan]
    """
    usable = np.where(snr > 0, snr, np.nan)
    return np.log10(usable)
