"""The order of alignment: the reference first, then stage after stage, each against the scale built before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats
from app.science.calibration.fitting import reference_model
from app.science.calibration.frame import Frame
from app.science.calibration.links import Links
from app.science.calibration.plan import Plan
from app.science.calibration.scale import ReferenceScale, missing_error
from app.science.calibration.survey_model import SurveyModel

SMALLEST_ERROR = (20.0, 0.03, 0.02)
"""Standard errors that stand in where a survey quotes none and nothing can be learnt: K, dex, dex."""


@dataclass(frozen=True)
class Alignment:
    """The scale while it grows.

    Attributes:
        plan: which survey plays which part.
        frames: linked measurements of each survey, by name.
        own_errors: per survey the error that stands in where it quotes none, (3,); NaN until it is needed and known.
        scale: what the stages so far have built.
    """

    plan: Plan
    frames: Mapping[str, Frame]
    own_errors: Mapping[str, Floats]
    scale: ReferenceScale

    @classmethod
    def begin(cls, plan: Plan, frames: Mapping[str, Frame], quoted_errors: Mapping[str, Floats]) -> Alignment:
        """Return the scale as the reference surveys alone define it.

        Args:
            plan: the plan.
            frames: linked measurements by survey; surveys of the plan that are not there are passed over.
            quoted_errors: median quoted error of each survey, NaN where it quotes none, (3,).
        """
        scale = ReferenceScale.of(np.concatenate([frame.star for frame in frames.values()]))
        own = {name: np.array(errors, dtype=np.float64) for name, errors in quoted_errors.items()}
        alignment = cls(plan, frames, own, scale)
        for name in plan.reference_surveys:
            if name in frames:
                alignment._add_reference(name)
        return alignment

    def stages(self) -> Iterator[tuple[str, ...]]:
        """Yield the surveys of each stage that are there."""
        for stage in self.plan.stages:
            yield tuple(name for name in stage.surveys if name in self.frames)

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
        result = model.calibrate(frame.reported, frame.nuisance(model.space.nuisance), frame.minus, frame.plus)
        aligned = ~np.array(self.plan.identity(name))
        used = frame.used & aligned & result.in_domain[:, None]
        self.scale.add(frame.star, result.value, 0.5 * (result.minus + result.plus), used)

    def _add_reference(self, name: str) -> None:
        """Put a reference survey's own values on the scale, in the parameters that it defines."""
        frame, own = self.frames[name], self.own_errors[name]
        known, known_error = self.scale.at(frame.star)
        for p in np.flatnonzero(np.isnan(own)):
            difference = np.where(frame.used[:, p], frame.reported[:, p] - known[:, p], np.nan)
            own[p] = missing_error(difference, known_error[:, p], smallest=SMALLEST_ERROR[p])
        quoted = 0.5 * (frame.minus + frame.plus)
        error = np.where(np.isfinite(quoted), quoted, own)
        self.scale.add(frame.star, frame.reported, error, frame.used & np.array(self.plan.identity(name)))
