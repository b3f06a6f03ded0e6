"""All that turns one survey's values into values on the reference scale: bias models, their domain, their grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.domain import Domain
from app.science.calibration.features import STELLAR, FeatureSpace, stack
from app.science.calibration.frame import Frame
from app.science.calibration.grid import NO_SMOOTHING, BiasGrid, Smoothing, tabulate
from app.science.calibration.inversion import invert
from app.science.calibration.plan import Plan
from app.science.calibration.propagation import DRAWS, STRAIGHT, propagate


@dataclass(frozen=True)
class Calibrated:
    """Values on the reference scale.

    Attributes:
        value: Teff (K), log g, [Fe/H], NaN where there is none, (n, 3).
        minus: distance down to the lower end of the 68 % interval, (n, 3).
        plus: distance up to the upper end, (n, 3).
        rho: correlation of the errors of Teff and log g, Teff and [Fe/H], log g and [Fe/H], NaN if not known, (n, 3).
        in_domain: whether the models were trained on stars like this one, (n,).
        converged: whether the inversion settled, (n,).
    """

    value: Floats
    minus: Floats
    plus: Floats
    rho: Floats
    in_domain: Booleans
    converged: Booleans

    def put(self, rows: Booleans, part: Calibrated) -> None:
        """Write `part` (k) into the rows that are chosen (n,)."""
        for name in ("value", "minus", "plus", "rho", "in_domain", "converged"):
            getattr(self, name)[rows] = getattr(part, name)


def nothing_calibrated(n: int) -> Calibrated:
    """Return `n` rows without values."""
    value, minus, plus, rho = (np.full((n, 3), np.nan) for _ in range(4))
    return Calibrated(value, minus, plus, rho, np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))


@dataclass(frozen=True)
class Draws:
    """How errors are carried through an inversion: see `propagate`.

    Attributes:
        seed: of the whole run.
        number: of the measurements, so that each gets the same draws wherever it stands, (n,).
        count: how many draws, a power of two.
        straight: bend of the bias, as a share of the error, up to which no draws are needed.
    """

    seed: int
    number: Integers
    count: int = DRAWS
    straight: float = STRAIGHT

    def of(self, rows: Booleans) -> Draws:
        """Return the draws of the measurements that `rows` (n,) selects."""
        return replace(self, number=self.number[rows])


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
        smoothing: how the tabulated bias is smoothed.
        zero_point_error: what the bands of the models do not hold of `model_error` and intervals must, (3,).
        keeper: returns the tabulated bias from where it is kept, or makes it and keeps it.
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
    zero_point_error: Floats = field(default_factory=lambda: np.zeros(3))
    keeper: Callable[[Callable[[], BiasGrid]], BiasGrid] | None = field(default=None, compare=False)

    @property
    def identity(self) -> Booleans:
        """Which parameters define the reference and stay as they are, (3,)."""
        return np.array([model.kind is Kind.IDENTITY for model in self.models])

    @cached_property
    def grid(self) -> BiasGrid:
        """The tabulated bias."""
        make = partial(tabulate, self.models, self.axes, self.smoothing, self.reference_error)
        return make() if self.keeper is None else self.keeper(make)

    def calibrate(
        self,
        reported: Floats,
        nuisance: Floats,
        own_minus: Floats,
        own_plus: Floats,
        draws: Draws | None = None,
    ) -> Calibrated:
        """Put reported values (n, 3) on the reference scale.

        Args:
            reported: Teff (K), log g, [Fe/H] of the survey; rows with a missing one get no value where they are needed.
            nuisance: the survey's nuisance features, (n, k).
            own_minus: errors downwards after the survey's error model, (n, 3); used for reference parameters.
            own_plus: errors upwards, (n, 3).
            draws: how errors are carried through the inversion by Monte Carlo where the bias bends; None takes the
                bias as straight over an error.
        """
        own_minus = np.where(np.isfinite(own_minus), own_minus, self.own_error)
        own_plus = np.where(np.isfinite(own_plus), own_plus, self.own_error)
        unknown = np.full_like(reported, np.nan)
        if self.identity.all():
            everywhere = np.ones(len(reported), dtype=bool)
            return Calibrated(reported, own_minus, own_plus, unknown, everywhere, everywhere)
        whole: Booleans = np.asarray(np.isfinite(reported).all(axis=1))
        result = self._empty(reported, own_minus, own_plus, unknown)
        rows = (reported[whole], nuisance[whole], own_minus[whole], own_plus[whole])
        part = self._forward(*rows, draws.of(whole) if draws else None) if self.forward else self._direct(*rows)
        result.put(whole, part)
        return result

    def calibrate_frame(self, frame: Frame, plan: Plan | None = None) -> Calibrated:
        """Put a survey's measurements on the reference scale, with the plan's Monte Carlo where one is given."""
        draws = None
        if plan is not None and plan.fit.draws and frame.number is not None:
            draws = Draws(plan.seed, frame.number, plan.fit.draws)
        return self.calibrate(frame.reported, frame.nuisance(self.space.nuisance), frame.minus, frame.plus, draws)

    @property
    def forward(self) -> bool:
        """Whether the models say what the survey reports of a star, and are inverted."""
        return self.direction == "forward"

    def padded(self, nuisance: Floats) -> Floats:
        """Return nuisance features (n, k) as the grid takes them, inside the training range and two a row, (n, 2)."""
        others = self.space.clip(np.hstack([np.zeros((len(nuisance), len(STELLAR))), nuisance]))[:, len(STELLAR) :]
        return np.hstack([others, np.zeros((len(others), 2 - others.shape[1]))])

    def _empty(self, reported: Floats, own_minus: Floats, own_plus: Floats, unknown: Floats) -> Calibrated:
        """Return the result for rows that lack a parameter: reference parameters as they are, the others missing."""
        fixed = self.identity
        nowhere = np.zeros(len(reported), dtype=bool)
        kept = [np.where(fixed, part, np.nan) for part in (reported, own_minus, own_plus)]
        return Calibrated(kept[0], kept[1], kept[2], unknown, nowhere, nowhere.copy())

    def _forward(
        self, reported: Floats, nuisance: Floats, own_minus: Floats, own_plus: Floats, draws: Draws | None
    ) -> Calibrated:
        fixed, padded = self.identity, self.padded(nuisance)
        solved = invert(
            self.grid,
            reported,
            padded,
            np.where(fixed, own_minus, np.nan),
            np.where(fixed, own_plus, np.nan),
            correlation=self.correlation,
        )
        settings = draws or Draws(0, np.zeros(len(reported), dtype=np.int64), count=2, straight=np.inf)
        errors = propagate(
            self.grid,
            solved.value,
            padded,
            solved.below,
            solved.above,
            self.correlation,
            seed=settings.seed,
            number=settings.number,
            draws=settings.count,
            straight=settings.straight,
        )
        minus, plus = (np.hypot(half, self.zero_point_error) for half in (errors.minus, errors.plus))
        inside = self.domain.contains(stack(solved.value, nuisance), 0.5 * (minus + plus))
        contained = np.asarray(inside & solved.converged)
        return Calibrated(solved.value, minus, plus, errors.rho, contained, solved.converged)

    def _direct(self, reported: Floats, nuisance: Floats, own_minus: Floats, own_plus: Floats) -> Calibrated:
        features = stack(reported, nuisance)
        bands = np.stack([model.quantiles(features) for model in self.models], axis=1)
        fixed = self.identity
        minus = np.where(fixed, own_minus, bands[:, :, 2] - bands[:, :, 1])
        plus = np.where(fixed, own_plus, bands[:, :, 1] - bands[:, :, 0])
        rho = np.tile([self.correlation[p, q] for p, q in ((0, 1), (0, 2), (1, 2))], (len(reported), 1))
        contained = self.domain.contains(features)
        return Calibrated(reported - bands[:, :, 1], minus, plus, rho, contained, np.ones(len(reported), dtype=bool))
