"""All that turns one survey's values into values on the reference scale: bias models, their domain, their grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.science.arrays import Booleans, Floats
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.domain import Domain
from app.science.calibration.features import STELLAR, FeatureSpace, stack
from app.science.calibration.grid import NO_SMOOTHING, BiasGrid, Smoothing, tabulate
from app.science.calibration.inversion import invert


@dataclass(frozen=True)
class Calibrated:
    """Values on the reference scale.

    Attributes:
        value: Teff (K), log g, [Fe/H], NaN where there is none, (n, 3).
        minus: distance down to the lower end of the 68 % interval, (n, 3).
        plus: distance up to the upper end, (n, 3).
        in_domain: whether the models were trained on stars like this one, (n,).
        converged: whether the inversion settled, (n,).
    """

    value: Floats
    minus: Floats
    plus: Floats
    in_domain: Booleans
    converged: Booleans


@dataclass(frozen=True)
class SurveyModel:
    """The fitted models of one survey.

    Attributes:
        direction: forward or direct.
        space: features of the models.
        models: bias in Teff, log g, [Fe/H].
        domain: where the training stars are.
        axes: nodes of the grid on which forward models are tabulated.
        correlation: of the survey's errors in the three parameters, (3, 3).
        reference_error: typical error of the reference, (3,).
        model_error: how far the correction itself is uncertain, typical over the survey's stars, (3,).
        own_error: error of a reference parameter for which the survey quotes none, (3,).
        smoothing: how the tabulated trees are smoothed.
    """

    direction: str
    space: FeatureSpace
    models: tuple[BiasModel, ...]
    domain: Domain
    axes: list[Floats]
    correlation: Floats
    reference_error: Floats
    model_error: Floats
    own_error: Floats
    smoothing: Smoothing = NO_SMOOTHING

    @property
    def identity(self) -> Booleans:
        """Which parameters define the reference and stay as they are, (3,)."""
        return np.array([model.kind is Kind.IDENTITY for model in self.models])

    @cached_property
    def grid(self) -> BiasGrid:
        """The tabulated bias."""
        return tabulate(self.models, self.axes, self.smoothing)

    def calibrate(self, reported: Floats, nuisance: Floats, own_minus: Floats, own_plus: Floats) -> Calibrated:
        """Put reported values (n, 3) on the reference scale.

        Args:
            reported: Teff (K), log g, [Fe/H] of the survey; rows with a missing one get no value where they are needed.
            nuisance: the survey's nuisance features, (n, k).
            own_minus: errors downwards after the survey's error model, (n, 3); used for reference parameters.
            own_plus: errors upwards, (n, 3).
        """
        own_minus = np.where(np.isfinite(own_minus), own_minus, self.own_error)
        own_plus = np.where(np.isfinite(own_plus), own_plus, self.own_error)
        if self.identity.all():
            everywhere = np.ones(len(reported), dtype=bool)
            return Calibrated(reported, own_minus, own_plus, everywhere, everywhere)
        whole = np.isfinite(reported).all(axis=1)
        result = self._empty(reported, own_minus, own_plus)
        solve = self._forward if self.direction == "forward" else self._direct
        part = solve(reported[whole], nuisance[whole], own_minus[whole], own_plus[whole])
        for name in ("value", "minus", "plus", "in_domain", "converged"):
            getattr(result, name)[whole] = getattr(part, name)
        return result

    def _empty(self, reported: Floats, own_minus: Floats, own_plus: Floats) -> Calibrated:
        """Return the result for rows that lack a parameter: reference parameters as they are, the others missing."""
        fixed = self.identity
        nowhere = np.zeros(len(reported), dtype=bool)
        kept = [np.where(fixed, part, np.nan) for part in (reported, own_minus, own_plus)]
        return Calibrated(kept[0], kept[1], kept[2], nowhere, nowhere.copy())

    def _forward(self, reported: Floats, nuisance: Floats, own_minus: Floats, own_plus: Floats) -> Calibrated:
        fixed = self.identity
        inside = self.space.clip(np.hstack([np.zeros_like(reported), nuisance]))[:, len(STELLAR) :]
        padded = np.hstack([inside, np.zeros((len(inside), 2 - inside.shape[1]))])
        solved = invert(
            self.grid,
            reported,
            padded,
            np.where(fixed, own_minus, np.nan),
            np.where(fixed, own_plus, np.nan),
            correlation=self.correlation,
            reference_error=self.reference_error,
        )
        contained = self.domain.contains(stack(solved.value, nuisance)) & solved.converged
        return Calibrated(solved.value, solved.minus, solved.plus, contained, solved.converged)

    def _direct(self, reported: Floats, nuisance: Floats, own_minus: Floats, own_plus: Floats) -> Calibrated:
        features = stack(reported, nuisance)
        bands = np.stack([model.quantiles(features) for model in self.models], axis=1)
        fixed = self.identity
        minus = np.where(fixed, own_minus, bands[:, :, 2] - bands[:, :, 1])
        plus = np.where(fixed, own_plus, bands[:, :, 1] - bands[:, :, 0])
        contained = self.domain.contains(features)
        return Calibrated(reported - bands[:, :, 1], minus, plus, contained, np.ones(len(reported), dtype=bool))
