"""The order of alignment: the reference first, then stage after stage, each against the scale built before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.fitting import reference_model
from app.science.calibration.frame import Frame
from app.science.calibration.links import TEST, TRAIN, Links
from app.science.calibration.network import NetworkSettings, fit_network
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.network_scale import ScaleError, scale_error
from app.science.calibration.plan import Plan
from app.science.calibration.scale import ReferenceScale, missing_error
from app.science.calibration.survey_model import Calibrated, SurveyModel

Calibrate: TypeAlias = Callable[[SurveyModel, Frame], Calibrated]
SMALLEST_ERROR = (20.0, 0.03, 0.02)
"""Standard errors that stand in where a survey quotes none and nothing can be learnt: K, dex, dex."""


@dataclass(frozen=True)
class Contribution:
    """What a survey brings to the scale.

    Attributes:
        star: star numbers, (n,).
        error: standard errors, (n, 3).
        used: which values are on the scale, (n, 3).
        zero_point_error: of the survey as a whole, (3,).
    """

    star: Integers
    error: Floats
    used: Booleans
    zero_point_error: Floats


@dataclass(frozen=True)
class Alignment:
    """The scale while it grows.

    Attributes:
        plan: which survey plays which part.
        frames: linked measurements of each survey, by name.
        own_errors: per survey the error that stands in where it quotes none, (3,); NaN until it is needed and known.
        scale: what the stages so far have built.
        calibrated: puts a survey's measurements on the scale; whoever knows the answer already may look it up.
        strong: the surveys on the scale: star, standard errors, which values are used, uncertainty of the zero points.
        finished: uncertainty of a scale that was finished before; None for one that grows here.
    """

    plan: Plan
    frames: Mapping[str, Frame]
    own_errors: Mapping[str, Floats]
    scale: ReferenceScale
    calibrated: Calibrate = SurveyModel.calibrate_frame
    strong: dict[str, Contribution] = field(default_factory=dict)
    finished: ScaleError | None = None

    @classmethod
    def begin(
        cls,
        plan: Plan,
        frames: Mapping[str, Frame],
        quoted_errors: Mapping[str, Floats],
        calibrated: Calibrate = SurveyModel.calibrate_frame,
    ) -> Alignment:
        """Return the scale as the reference surveys alone define it.

        Args:
            plan: the plan.
            frames: linked measurements by survey; surveys of the plan that are not there are passed over.
            quoted_errors: median quoted error of each survey, NaN where it quotes none, (3,).
            calibrated: puts a survey's measurements on the scale.
        """
        scale = ReferenceScale.of(np.concatenate([frame.star for frame in frames.values()]))
        own = {name: np.array(errors, dtype=np.float64) for name, errors in quoted_errors.items()}
        alignment = cls(plan, frames, own, scale, calibrated)
        for name in plan.reference_surveys:
            if name in frames:
                alignment._add_reference(name)
        return alignment

    def anchors(self) -> dict[str, SurveyModel]:
        """Return the models of the surveys that define the whole scale: they leave values alone."""
        names = [name for name in self.frames if all(self.plan.identity(name))]
        return {name: reference_model(self.own_errors[name]) for name in names}

    def links(self, name: str) -> Links:
        """Return a survey's links to the scale as it stands."""
        frame = self.frames[name]
        names = frame.nuisance_names(self.plan.features)
        reference, error = self.scale.at(frame.star)
        return Links(
            star=frame.star,
            split=frame.split,
            reported=np.where(frame.used, frame.reported, np.nan),
            reference=reference,
            reference_error=error,
            nuisance=frame.nuisance(names),
            nuisance_names=names,
        )

    def add(self, name: str, model: SurveyModel) -> None:
        """Put a survey's calibrated values on the scale, in the parameters that it does not define itself."""
        frame = self.frames[name]
        result = self.calibrated(model, frame)
        aligned = ~np.array(self.plan.identity(name))
        used = frame.used & aligned & result.in_domain[:, None]
        self._put(name, result.value, 0.5 * (result.minus + result.plus), used, model.model_error)

    def is_weak(self, name: str) -> bool:
        """Whether a survey has too few stars in common with the scale to be fitted by itself."""
        if name in self.plan.reference_surveys:
            return False
        known = self.links(name).finite()
        return known.where(known.split != TEST).stars < self.plan.fit.network_below

    def scale_error(self) -> ScaleError:
        """Return the uncertainty of the zero points of the surveys on the scale, and each star's share of them."""
        if self.finished is not None:
            return self.finished
        values = {name: (part.star, part.error, part.used) for name, part in self.strong.items()}
        errors = np.array([part.zero_point_error for part in self.strong.values()])
        return scale_error(values, np.array([np.diag(np.square(errors[:, p])) for p in range(3)]))

    def network(self, names: Iterable[str], *, without: Integers | None = None) -> NetworkFit:
        """Return the joint fit of surveys to the scale as it stands, to all stars but `without` (k,) where given."""
        plan, frames = self.plan, {name: self.frames[name] for name in names}
        if without is not None:
            frames = {
                name: replace(frame, split=np.where(np.isin(frame.star, without), TEST, TRAIN))
                for name, frame in frames.items()
            }
        settings = NetworkSettings(features=plan.features, fewest=plan.fit.fewest, shrinkage=plan.fit.shrinkage)
        return fit_network(frames, self.scale, settings, scale_error=self.scale_error())

    def _put(self, name: str, value: Floats, error: Floats, used: Booleans, zero_point_error: Floats) -> None:
        star, known = self.frames[name].star, self.strong.get(name)
        self.scale.add(star, value, error, used)
        if known is not None:
            error = np.where(known.used, known.error, error)
            used, zero_point_error = known.used | used, np.maximum(known.zero_point_error, zero_point_error)
        self.strong[name] = Contribution(star, error, used, zero_point_error)

    def _add_reference(self, name: str) -> None:
        """Put a reference survey's own values on the scale, in the parameters that it defines."""
        frame, own = self.frames[name], self.own_errors[name]
        known, known_error = self.scale.at(frame.star)
        for p in np.flatnonzero(np.isnan(own)):
            difference = np.where(frame.used[:, p], frame.reported[:, p] - known[:, p], np.nan)
            own[p] = missing_error(difference, known_error[:, p], smallest=SMALLEST_ERROR[p])
        quoted = 0.5 * (frame.minus + frame.plus)
        error = np.where(np.isfinite(quoted), quoted, own)
        used = frame.used & np.array(self.plan.identity(name))
        if used.any():
            self._put(name, frame.reported, error, used, np.zeros(3))


@dataclass
class Ascent:
    """The way through the stages: who is fitted next, and what the fits have put on the scale.

    Attributes:
        alignment: the scale while it grows.
        models: of the surveys that have been fitted by themselves.
        weak: surveys with too few stars in common with the scale, which are fitted together at the end.
    """

    alignment: Alignment
    models: dict[str, SurveyModel] = field(default_factory=dict)
    weak: list[str] = field(default_factory=list)

    def stages(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each stage and its surveys that are fitted by themselves.

        Whoever iterates puts their models into `models`; those that are there when the next stage is asked for go onto
        the scale.
        """
        for stage in self.alignment.plan.stages:
            present = [name for name in stage.surveys if name in self.alignment.frames]
            weak = [name for name in present if self.alignment.is_weak(name)]
            self.weak += weak
            alone = tuple(name for name in present if name not in weak)
            yield stage.name, alone
            for name in alone:
                if name in self.models:
                    self.alignment.add(name, self.models[name])
