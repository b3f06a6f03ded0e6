"""A user's table as a survey: tied to the scale of a finished version by its stars, fitted and calibrated like any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.domain.errors import ConflictError
from app.pipeline.calibrate import network_survey
from app.pipeline.homogenize import BLOCK
from app.pipeline.progress import Progress, silent
from app.pipeline.user_stars import KnownStars
from app.science.arrays import Floats
from app.science.calibration.fitting import Each, FittedSurvey, fit_survey
from app.science.calibration.frame import Frame
from app.science.calibration.links import TEST, Links
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.plan import Plan
from app.science.calibration.stages import Alignment
from app.science.calibration.survey_model import Calibrated, nothing_calibrated

NAME = "(the table)"
"""No survey can be called so."""
FREE = (False, False, False)


@dataclass(frozen=True)
class UserSurveyFit:
    """The models of a table.

    Attributes:
        fitted: models, and what stands behind them.
        network: the fit with few links, None where the table was fitted by itself.
        learnt_from: different stars that taught, outside of the test split.
        left_aside: stars outside of the test split whose combined values are too uncertain to teach.
    """

    fitted: FittedSurvey
    network: NetworkFit | None
    learnt_from: int
    left_aside: int = 0


def fit_user_survey(frame: Frame, known: KnownStars, plan: Plan, *, each: Each = map) -> UserSurveyFit:
    """Fit the models of a table to the stars that it shares with a version, by the version's own plan.

    As for every survey: with few links a constant or slopes, shrunken, against the scale with its covariance; with
    many the kind of model that left-out stars favour, boosted trees among them, learnt from the stars that the scale
    knows well where there are enough of these. The test split is left out.

    Raises:
        ConflictError: there are too few links; says how many there are and what would help.
    """
    alignment = _alignment(frame, known, plan)
    links = alignment.links(NAME).finite()
    stars = _learnt_from(links)
    if not stars:
        raise ConflictError(_too_few(known, f"none is left to learn from, {plan.fit.fewest} are needed"))
    if alignment.is_weak(NAME):
        network = alignment.network([NAME])
        if NAME in network.refused:
            raise ConflictError(_too_few(known, network.refused[NAME]))
        return UserSurveyFit(network_survey(network, NAME, alignment), network, stars)
    sharp = links.sharp(plan.fit.network_below)
    try:
        fitted = fit_survey(sharp, FREE, plan.fit, own_error=alignment.own_errors[NAME], each=each)
    except ValueError as problem:
        raise ConflictError(_too_few(known, str(problem))) from problem
    taught = _learnt_from(sharp)
    return UserSurveyFit(fitted, None, taught, stars - taught)


def _learnt_from(links: Links) -> int:
    return links.where(links.split != TEST).stars


def calibrate_rows(fit: UserSurveyFit, frame: Frame, plan: Plan, *, progress: Progress = silent) -> Calibrated:
    """Put all rows (n) of a table on the unified scale, block by block."""
    n, model = len(frame.star), fit.fitted.model
    result = nothing_calibrated(n)
    for first in range(0, n, BLOCK):
        rows = np.zeros(n, dtype=bool)
        rows[first : first + BLOCK] = True
        result.put(rows, model.calibrate_frame(frame.where(rows), plan))
        progress(min(first + BLOCK, n), n)
    return result


def _alignment(frame: Frame, known: KnownStars, plan: Plan) -> Alignment:
    """Return the finished scale with the linked rows of the table as the one survey that is to be put on it."""
    minus, plus = (np.where(side > 0, side, np.nan) for side in (frame.minus, frame.plus))  # nothing is without error
    linked = replace(frame, star=known.star, split=known.split, minus=minus, plus=plus).where(known.linked)
    errors = {NAME: typical_errors(linked)}
    return Alignment(plan, {NAME: linked}, errors, known.scale, finished=known.common)


def typical_errors(frame: Frame) -> Floats:
    """Return the median error that a table gives in each parameter, NaN where it gives none, (3,)."""
    given = [column[column > 0] for column in 0.5 * (frame.minus + frame.plus).T]
    medians = [np.median(column) if len(column) else np.nan for column in given]
    return np.array(medians, dtype=np.float64)


def _too_few(known: KnownStars, why: str) -> str:
    counts: Mapping[str, Any] = {
        "rows found a star of the catalogue": int((known.star > 0).sum()),
        "of these are linked to it": int(known.linked.sum()),
    }
    found = ", ".join(f"{count} {what}" for what, count in counts.items())
    help_ = "A larger radius, another column of positions or identifiers, or more stars in common would help"
    return (
        f"the table has too few stars in common with the catalogue ({found}; {known.links} different stars, of which "
        f"one in five is kept for the test): {why}. {help_}"
    )
