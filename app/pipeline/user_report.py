"""The report about a user's table: what was fitted and why, and how good it is on stars that the fit has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS, QUANTITIES
from app.pipeline.software import software_versions
from app.pipeline.user_stars import KnownStars
from app.pipeline.user_survey import UserSurveyFit, typical_errors
from app.pipeline.validation_parts import all_pairs, coverage_rows, trend_rows, values_of
from app.pipeline.validation_rows import TestStars
from app.science.arrays import Floats
from app.science.calibration.combined_scale import inherited
from app.science.calibration.frame import Frame
from app.science.calibration.links import TEST
from app.science.calibration.network_degrees import LEVELS
from app.science.calibration.plan import Plan
from app.science.calibration.survey_model import Calibrated
from app.science.validation.report import plain
from app.science.validation.stars import SurveyStars, first_per_star, mean_per_star, spectra_of

COMBINED, TABLE = "combined", "table"
FEW_TO_JUDGE = 20
"""Held-out stars below which the report warns that it can hardly judge."""
LARGE_SHARE = 0.1
"""Of rows outside the domain, above which the report warns."""


def user_report(
    matches: Mapping[str, Any], frame: Frame, known: KnownStars, fit: UserSurveyFit, values: Calibrated, plan: Plan
) -> dict[str, Any]:
    """Return the report as JSON.

    Args:
        matches: the counts of the match.
        frame: the rows of the table, (n,).
        known: what the version knows of their stars.
        fit: the models.
        values: the rows calibrated.
        plan: of the version.
    """
    test = _test_stars(frame, known, fit, values, plan)
    by_parameter = values_of(test.means)
    pairs = {pair.parameter: pair.as_mapping() for pair in all_pairs([COMBINED, TABLE], by_parameter, seed=plan.seed)}
    covered = {row["parameter"]: row for row in plain(coverage_rows(test))}
    whole = frame.used.all(axis=1)
    inside = values.in_domain[whole]
    report = {
        "judged_by": "combined values of the catalogue, on stars of the test split, which the fit has not seen",
        "matches": dict(matches),
        "parameters": {
            str(p): _parameter(k, frame, fit, values, plan) | _held_out(pairs.get(str(p)), covered.get(str(p)))
            for k, p in enumerate(PARAMETERS)
        },
        "domain": {"rows": int(whole.sum()), "outside": float(1.0 - inside.mean()) if len(inside) else None},
        "not_converged": int((whole & ~values.converged).sum()),
        "trends": [row for row in plain(trend_rows(test)) if row["other"] == COMBINED],
        "plan": plan.name,
        "seed": plan.seed,
        "software": software_versions(),
    }
    return dict(plain(report | {"warnings": _warnings(report, known, fit)}))


def _test_stars(frame: Frame, known: KnownStars, fit: UserSurveyFit, values: Calibrated, plan: Plan) -> TestStars:
    """Return the held-out stars of the table and of the catalogue, as the two surveys of a validation."""
    held = known.linked & (known.split == TEST)
    magnitude = np.where(np.isfinite(frame.magnitudes[:, 0]), frame.magnitudes[:, 0], frame.magnitudes[:, 1])
    table = spectra_of(
        known.star[held],
        frame.reported[held],
        values.value[held],
        values.minus[held],
        values.plus[held],
        used=frame.used[held],
        in_domain=values.in_domain[held],
        snr=frame.snr[held],
        magnitude=magnitude[held],
    )
    star, first = np.unique(known.star[held], return_index=True)
    own = 1.0 if fit.network is not None else _own_share(known, star)
    nothing = np.full(len(star), np.nan)
    combined = SurveyStars(
        star=star,
        raw=known.value[held][first],
        value=known.value[held][first],
        minus=known.minus[held][first] * own,
        plus=known.plus[held][first] * own,
        in_domain=np.ones(len(star), dtype=bool),
        snr=nothing,
        magnitude=nothing,
    )
    return TestStars(
        plan=plan,
        means={COMBINED: combined, TABLE: mean_per_star(table)},
        firsts={COMBINED: combined, TABLE: first_per_star(table)},
        kiel_before={},
        kiel_after={},
        zero_points=_in_common(known, fit, star),
    )


def _own_share(known: KnownStars, star: Any) -> Floats:
    """Return which share of the combined errors is the stars' own (m, 3): a table inherits the rest with the scale."""
    value, own = known.scale.at(star)
    place = np.searchsorted(known.common.stars, star)
    total = np.sqrt(np.square(own) + inherited(known.common.shares[place], known.common.covariance))
    return np.where(np.isfinite(value), own / total, 1.0)


def _in_common(known: KnownStars, fit: UserSurveyFit, star: Any) -> Floats | None:
    """Return the covariance (3, 2, 2) of what catalogue and table are off by as a whole; only its corner is used.

    The intervals of a table with few links hold the error of its zero point, part of which is the scale's own.
    """
    if fit.network is None or not len(star):
        return None
    shares = known.common.shares[np.searchsorted(known.common.stars, star)].mean(axis=0)
    matrix = np.zeros((3, 2, 2))
    for p, parameter in enumerate(fit.network.parameters):
        shared = float((parameter.leans @ known.common.covariance[p])[0] @ shares[p])
        matrix[p] = [[0.0, shared], [shared, 0.0]]
    return matrix


def _parameter(p: int, frame: Frame, fit: UserSurveyFit, values: Calibrated, plan: Plan) -> dict[str, Any]:
    quantity = QUANTITIES[PARAMETERS[p]]
    model, metrics = fit.fitted.model.models[p], fit.fitted.metrics[p]
    given = np.isfinite(frame.minus[:, p]) & (frame.minus[:, p] > 0)
    stated = 0.5 * (values.minus[:, p] + values.plus[:, p])
    stated = stated[np.isfinite(stated)]
    shift = values.value[:, p] - frame.reported[:, p]
    shift = shift[np.isfinite(shift)]
    return {
        "unit": quantity.unit,
        "model": str(model.kind),
        "why": _why(p, fit, plan),
        "learnt_from_stars": fit.learnt_from,
        "fit": metrics,
        "median_correction": float(np.median(shift)) if len(shift) else None,
        "correction_error": float(fit.fitted.model.model_error[p]),
        "errors": {
            "rows_with_own": int(given.sum()),
            "median_own": float(typical_errors(frame)[p]),
            "median_stated": float(np.median(stated)) if len(stated) else None,
            "how": _errors_how(fit, share=float(given.mean())),
        },
    }


def _why(p: int, fit: UserSurveyFit, plan: Plan) -> str:
    if fit.network is not None:
        level = LEVELS[int(fit.network.parameters[p].level[0])]
        return (
            f"{fit.learnt_from} stars to learn from, fewer than {plan.fit.network_below}: fitted like a survey of few "
            f"links, to a shrunken {level}, which is as far as left-out stars show a dependence"
        )
    kind = fit.fitted.model.models[p].kind
    losses = fit.fitted.metrics[p]["cross_validated_pinball_loss"]
    aside = f" (the combined values of {fit.left_aside} others are too uncertain to teach)" if fit.left_aside else ""
    return (
        f"{fit.learnt_from} stars to learn from{aside}: fitted by itself; of {', '.join(losses)} the simplest "
        f"within one standard error of the best loss on left-out stars is {kind}"
    )


def _errors_how(fit: UserSurveyFit, *, share: float) -> str:
    if fit.network is None:
        return (
            "from the scatter about the catalogue of left-out stars, less the catalogue's own errors, as a function of "
            "the star, S/N and magnitude where the table has them; errors of the table are not used"
        )
    if share > 0:
        return (
            "the table's own errors, scaled or enlarged until the residuals of left-out stars have unit spread, with "
            "the error of the correction in quadrature; rows without an error take what these residuals say"
        )
    return (
        "from the residuals of left-out stars, less the catalogue's own errors, with the error of the correction in "
        "quadrature: the table gives no errors"
    )


def _held_out(pair: Mapping[str, Any] | None, coverage: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "held_out": None
        if pair is None
        else {key: pair[key] for key in ("before", "after", "after_inside", "inside", "pull_width")}
        | {"bins_before": pair["bins_before"], "bins_after": pair["bins_after"]},
        "coverage": None if coverage is None else {key: coverage[key] for key in ("overall", "bins", "cells")},
    }


def _warnings(report: Mapping[str, Any], known: KnownStars, fit: UserSurveyFit) -> list[str]:
    found = []
    for name, (rows, same) in known.repeats.items():
        found.append(
            f"{same} of {rows} linked rows in common with {name} repeat its values: the table is that survey, or has "
            "it in it. The catalogue's values of these stars are made of them, among others: figures on held-out stars "
            f"are circular there, and intervals too narrow. {name}'s own calibrated values are in the catalogue"
        )
    held = report["matches"]["stars_by_split"]["test"]
    if held < FEW_TO_JUDGE:
        found.append(f"only {held} held-out stars: offsets, scatter and coverage are hardly known")
    outside = report["domain"]["outside"]
    if outside is not None and outside > LARGE_SHARE:
        found.append(
            f"{100 * outside:.0f} % of the rows lie outside the stars that tie the table to the catalogue: their "
            "values are extrapolations (in_domain is false)"
        )
    if report["matches"]["ambiguous"] > LARGE_SHARE * max(report["matches"]["matched"], 1):
        found.append(
            f"{report['matches']['ambiguous']} rows have more than one star within the radius and are no links: a "
            "smaller radius would tell them apart"
        )
    if report["not_converged"]:
        found.append(f"the inversion did not settle for {report['not_converged']} rows")
    if fit.network is not None and fit.learnt_from < 3 * FEW_TO_JUDGE:
        found.append(f"{fit.learnt_from} stars to learn from: the correction itself is uncertain, see correction_error")
    return found
