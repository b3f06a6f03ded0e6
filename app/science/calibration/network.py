"""The network of weak links: every small survey at once against the combined scale, through every path there is.

    x_(i,s) = t_i + f(t_i)^T theta_s + e_(i,s)

for each parameter by itself. t_i is the combined calibrated value of the strong surveys, with its error, or free where
only weak surveys saw the star, which then links these with each other (`network_gls`). f holds a constant and, where
the data support them (`network_degrees`), slopes in the standardized features. The scale is an argument that is read:
no weak survey moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from app.science.arrays import Floats, Integers
from app.science.calibration.frame import Frame
from app.science.calibration.links import folds_of
from app.science.calibration.network_degrees import Degrees, choose_degrees, left_out, richest_level
from app.science.calibration.network_design import (
    Columns,
    best_estimate,
    feature_spaces,
    first_guess,
    star_systems,
)
from app.science.calibration.network_fit import Linear, NetworkFit, ParameterFit
from app.science.calibration.network_gls import Solution, StarSystem, solve
from app.science.calibration.network_population import Expected
from app.science.calibration.network_refusal import too_few, too_little
from app.science.calibration.network_scale import ScaleError
from app.science.calibration.network_table import WeakTable, weak_table
from app.science.calibration.scale import ReferenceScale

PASSES = 3
"""Of features, which need the star's parameters, and coefficients, which give them where only weak surveys saw it."""


@dataclass(frozen=True)
class NetworkSettings:
    """How a network is fitted.

    Attributes:
        features: which of `snr` and `magnitude` a bias may depend on beside the stellar parameters.
        fewest: stars through all paths below which a survey is refused.
        fewest_effective: the same for the number of direct stars that its links are worth in any parameter.
        shrinkage: number of stars that a slope of zero counts for.
        folds: of the cross-validation.
    """

    features: tuple[str, ...] = ("snr", "magnitude")
    fewest: int = 5
    fewest_effective: float = 3.0
    shrinkage: float = 3.0
    folds: int = 10


def fit_network(
    frames: Mapping[str, Frame],
    scale: ReferenceScale,
    settings: NetworkSettings,
    *,
    scale_error: ScaleError | None = None,
) -> NetworkFit:
    """Fit the biases of all weak surveys at once.

    Args:
        frames: linked measurements of each weak survey; stars of the test split are left out here.
        scale: the combined scale of the strong surveys (`ReferenceScale.at`).
        settings: how.
        scale_error: uncertainty of the strong surveys' own zero points, which the weak ones inherit.

    Returns:
        The fit; surveys with too few links are in `refused` and in nothing else.
    """
    refused: dict[str, str] = {}
    kept = dict(frames)
    while kept:
        table = weak_table(kept, scale, features=settings.features)
        worst = too_few(table, settings.fewest)
        fit = None
        if worst is None:
            fit = _fit(table, settings, scale_error, refused)
            links = np.array([part.effective_links for part in fit.parameters])
            worst = too_little(table, links, settings.fewest_effective)
        if worst is None and fit is not None:
            return fit
        assert worst is not None
        refused[worst[0]] = worst[1]
        del kept[worst[0]]
    nothing = weak_table({}, scale)
    return NetworkFit(nothing, (), np.zeros((0, 3)), (), refused)


def _fit(
    table: WeakTable, settings: NetworkSettings, scale_error: ScaleError | None, refused: dict[str, str]
) -> NetworkFit:
    folds = folds_of(table.stars, settings.folds)
    stars = first_guess(table)
    spaces = feature_spaces(table, stars.value)
    columns = Columns.of(spaces)
    richest = np.array(
        [richest_level(int((table.survey == s).sum()), len(space.names)) for s, space in enumerate(spaces)]
    )
    systems = star_systems(table, stars, spaces, columns, settings.shrinkage)
    degrees = [choose_degrees(system, columns.level, richest, folds) for system in systems]
    used = [columns.allowed(choice.level) for choice in degrees]
    for _ in range(PASSES):
        solutions = [solve(system.with_columns(mask)) for system, mask in zip(systems, used, strict=True)]
        stars = best_estimate(table, systems, solutions)
        systems = star_systems(table, stars, spaces, columns, settings.shrinkage)
    strong = len(scale_error.names) if scale_error else 0
    fits = tuple(
        _parameter_fit(system, columns, choice, richest, folds, _common_errors(p, table, stars, scale_error), strong)
        for p, (system, choice) in enumerate(zip(systems, degrees, strict=True))
    )
    return NetworkFit(table, spaces, stars.value, fits, refused)


def _parameter_fit(
    system: StarSystem,
    columns: Columns,
    choice: Degrees,
    richest: Integers,
    folds: Integers,
    common: tuple[Floats, Floats],
    strong: int,
) -> ParameterFit:
    masks = columns.allowed(choice.level), columns.allowed(richest)
    parts = [system.with_columns(mask) for mask in masks]
    solutions = [solve(part) for part in parts]
    used, rich = (
        _linear(part, columns.place[mask], solution, common)
        for part, mask, solution in zip(parts, masks, solutions, strict=True)
    )
    residual, error = left_out(parts[0], folds, solutions[0].variance)
    leans = -rich.typical @ solutions[1].to_known @ common[0][:, len(common[1]) - strong :]
    return ParameterFit(parts[0], solutions[0], used, rich, leans, choice.level, choice.loss, residual, error)


def _linear(system: StarSystem, place: Integers, solution: Solution, common: tuple[Floats, Floats]) -> Linear:
    answer = solution.to_known @ common[0]
    covariance = solution.covariance + answer @ common[1] @ answer.T
    counts = np.bincount(system.survey, minlength=system.surveys)
    by_survey = np.zeros((system.surveys, len(system.star)))
    by_survey[system.survey, np.arange(len(system.star))] = 1.0 / counts[system.survey]
    return Linear(system.owner, place, solution.theta, covariance, by_survey @ system.design)


def _common_errors(p: int, table: WeakTable, stars: Expected, error: ScaleError | None) -> tuple[Floats, Floats]:
    """Return what stars have in common in parameter p: shares (m, J) and the covariance of what they share (J, J).

    These are the means of the population that they belong to, and the zero points of the strong surveys.
    """
    shares, covariance = stars.shares[:, p], stars.covariance[p]
    if error is None:
        return shares, covariance
    place = np.clip(np.searchsorted(error.stars, table.stars), 0, len(error.stars) - 1)
    there = (error.stars[place] == table.stars)[:, None]
    both = np.hstack([shares, np.where(there, error.shares[place, p], 0.0)])
    return both, np.asarray(block_diag(covariance, error.covariance[p]))
