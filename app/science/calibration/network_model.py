"""From the network to a survey's own model: the same kind as every survey's, calibrated like any other."""

from __future__ import annotations

import numpy as np
from scipy import stats

from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.cells import ONE_CELL
from app.science.calibration.conformal import Tails, TailShifts
from app.science.calibration.domain import learn_domain
from app.science.calibration.low_order import LowOrder, fit_low_order
from app.science.calibration.network_fit import NetworkFit
from app.science.calibration.survey_model import SurveyModel
from app.science.calibration.width import FEWEST_FOR_SLOPES, SHRINKAGE, Width
from app.science.robust import scatter

NODES = 6
FEW = 60
"""Stars below which tails come from Student's t."""
UPPER = 0.84


def weak_survey_model(network: NetworkFit, name: str, *, own_error: Floats, rng: np.random.Generator) -> SurveyModel:
    """Return the model of a survey of the network.

    Its band is the survey's own noise, as wide as the residuals of left-out stars ask for; the uncertainty of the
    correction stands apart in `model_error`. The reference's noise is in neither: the fit took it out.

    Args:
        network: the fit.
        name: a survey of it.
        own_error: error of a parameter for which the survey quotes none, (3,).
        rng: thins the stars that mark the domain where there are many.
    """
    s = network.names.index(name)
    space, features = network.spaces[s], network.features_of(s)
    _, variance = network.bias(name, features)
    uncertain = np.sqrt(variance.mean(axis=0))
    return SurveyModel(
        direction="forward",
        space=space,
        models=tuple(_bias_model(network, s, p, features) for p in range(3)),
        domain=learn_domain(features, features, rng=rng),
        axes=[np.unique(np.linspace(low, high, NODES)) for low, high in zip(space.lowest, space.highest, strict=True)],
        correlation=_correlation(network, s),
        reference_error=np.zeros(3),
        model_error=uncertain,
        own_error=own_error,
        zero_point_error=uncertain,
    )


def _bias_model(network: NetworkFit, s: int, p: int, features: Floats) -> BiasModel:
    coefficients = network.coefficients(network.names[s], p)
    sloped = bool(network.parameters[p].level[s])
    base = LowOrder(int(sloped), coefficients if sloped else coefficients[:1], network.spaces[s])
    lower, upper = _tails(network, s, p)
    return BiasModel(
        kind=Kind.LINEAR if sloped else Kind.CONSTANT,
        base=base,
        width=_width(network, s, p, features),
        trees=None,
        residual_quantiles=np.array([lower, 0.0, upper]),
        tails=Tails(ONE_CELL, (TailShifts(0.0, 0.0),)),
    )


def _width(network: NetworkFit, s: int, p: int, features: Floats) -> Width:
    """Return the survey's noise: constant, or where there are stars enough as its quoted errors vary with features."""
    fit, space = network.parameters[p], network.spaces[s]
    logs = 0.5 * np.log(fit.solution.variance[fit.system.survey == s])
    degree = int(len(logs) >= FEWEST_FOR_SLOPES)
    log_width = fit_low_order(features, logs, np.ones(len(logs)), space, degree=degree, shrinkage=SHRINKAGE)
    lowest, highest = np.quantile(log_width.predict(features), [0.01, 0.99])
    return Width(log_width, float(lowest), float(highest))


def _tails(network: NetworkFit, s: int, p: int) -> tuple[float, float]:
    """Return the 16 and 84 % points of left-out residuals in units of their stated errors, around zero.

    Below 60 stars -+ t_(0.84, n-1) times their spread.
    """
    fit = network.parameters[p]
    pull = (fit.residual / fit.residual_error)[fit.system.survey == s]
    pull = pull[np.isfinite(pull)]
    if len(pull) < FEW:
        spread = max(scatter(pull), 0.5 * float(pull.std(ddof=1)), 1e-3) if len(pull) > 2 else 1.0
        half_width = float(stats.t.ppf(UPPER, max(len(pull) - 1, 2))) * spread
        return -half_width, half_width
    beyond = min(1.0, UPPER * (len(pull) + 1) / len(pull))  # the conformal quantile of a finite sample
    return min(float(np.quantile(pull, 1.0 - beyond)), 0.0), max(float(np.quantile(pull, beyond)), 0.0)


def _correlation(network: NetworkFit, s: int) -> Floats:
    """Return the correlation (3, 3) of the survey's errors from its left-out stars."""
    pulls = np.array([(fit.residual / fit.residual_error)[fit.system.survey == s] for fit in network.parameters])
    pulls = pulls[:, np.isfinite(pulls).all(axis=0)]
    if pulls.shape[1] < 3:
        return np.eye(3)
    scores = np.array([stats.norm.ppf(stats.rankdata(row) / (len(row) + 1)) for row in pulls])
    shrunk = pulls.shape[1] / (pulls.shape[1] + 5.0)  # of few stars a correlation is half chance; never singular
    correlation: Floats = shrunk * np.nan_to_num(np.corrcoef(scores)) + (1 - shrunk) * np.eye(3)
    np.fill_diagonal(correlation, 1.0)
    return correlation
