"""Fitting a survey: its links to the reference scale become three bias models with conformal tails and a domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from app.science.arrays import Floats, Integers
from app.science.calibration.bias_model import IDENTITY, BiasModel, Kind
from app.science.calibration.cells import ONE_CELL, grow_cells
from app.science.calibration.conformal import Tails, TailShifts, conformalize_cells
from app.science.calibration.domain import Domain, learn_domain
from app.science.calibration.features import STELLAR, FeatureSpace, feature_space, stack
from app.science.calibration.grid import NO_SMOOTHING, Smoothing, grid_axes
from app.science.calibration.links import CONFORMALIZE, TEST, TRAIN, Links, folds_of
from app.science.calibration.preparation import prepared
from app.science.calibration.quantile_model import pinball_loss
from app.science.calibration.reference_noise import FEWEST_STARS
from app.science.calibration.selection import Selection, candidates, select_kind
from app.science.calibration.settings import BoostSettings, FitSettings
from app.science.calibration.stability import Refit, spread_of_refits
from app.science.calibration.survey_model import SurveyModel
from app.science.robust import scatter

FEW_FOLDS, MANY = 5000, 20_000
"""Stars above which two folds, and one, judge well enough: 2,000 and 4,000 stars tell losses apart by a hundredth."""
ENOUGH_PRECISE = 5000
"""Stars with the best reference errors that are enough without the others."""
SMOOTHED_OVER, MOST_ANCHORS = 2.0, 20_000
"""Width of the kernel over the tabulated trees, in errors of the reference, and how many stars it averages over."""
SMALLEST_CELL = 500
"""Left-out training stars in a cell with a conformal step of its own: their coverage is known to 2 %."""


@dataclass(frozen=True)
class FittedSurvey:
    """A survey's models, and per parameter the counts and cross-validated losses that stand behind them."""

    model: SurveyModel
    metrics: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Sample:
    """Who is fitted and who sets the tails: the same stars by turns where they are pooled, else two sets.

    Attributes:
        training: links that are fitted, prepared.
        held_out: links that set the tails; the same where `pooled`.
        pooled: whether there are too few stars for two sets.
        direction: forward or direct.
        space: features of the models.
        counts: stars linked, and of these in train, conformalize and test.
    """

    training: Links
    held_out: Links
    pooled: bool
    direction: str
    space: FeatureSpace
    counts: dict[str, int]

    def features(self, links: Links) -> Floats:
        """Return the features of links, (n, k)."""
        return _features(links, self.direction)


@dataclass(frozen=True)
class ParameterFit:
    """One parameter fitted.

    Attributes:
        model: the bias model with its tails.
        losses: mean held-out pinball loss of every kind of model that was tried.
        stability: how far the correction depends on who was fitted, typical over the stars.
        training_loss: pinball loss on the stars of the fit.
    """

    model: BiasModel
    losses: dict[str, float]
    stability: float = 0.0
    training_loss: float = 0.0


Job = tuple[Sample, int, bool, FitSettings]
"""The arguments of `fit_parameter` as one."""

Each = Callable[[Callable[[Job], ParameterFit], Iterable[Job]], Iterable[ParameterFit]]
"""`map`, or the map of a pool of processes."""


def fit_survey(
    links: Links,
    identity: tuple[bool, ...],
    settings: FitSettings,
    *,
    own_error: Floats,
    each: Each = map,
) -> FittedSurvey:
    """Fit the bias of a survey in the three parameters.

    Args:
        links: every spectrum of a star that the reference scale knows; stars of the test split are left out here.
        identity: which parameters define the reference and stay as they are.
        settings: how.
        own_error: error of reference parameters for which the survey quotes none, (3,).
        each: how the parameters are fitted: one after the other, or side by side.

    Raises:
        ValueError: fewer links than `settings.fewest`; the message says how many there are.
    """
    sample = sample_of(links, identity, settings)
    fits = each(_fit_job, [(sample, p, fixed, settings) for p, fixed in enumerate(identity)])
    return assemble(sample, list(fits), settings, own_error=own_error)


def sample_of(links: Links, identity: tuple[bool, ...], settings: FitSettings) -> Sample:
    """Return the stars that the models of a survey are fitted to; arguments and errors are those of `fit_survey`."""
    finite = links.precise(ENOUGH_PRECISE).finite()
    usable = finite.where(finite.split != TEST)
    if usable.stars < settings.fewest:
        raise ValueError(f"{usable.stars} stars in common with the reference scale, {settings.fewest} are needed")
    training, held_out = _divide(prepared(usable, identity, settings), settings)
    parts = {"train": TRAIN, "conformalize": CONFORMALIZE, "test": TEST}
    counts = {name: finite.where(finite.split == part).stars for name, part in parts.items()}
    return Sample(
        training,
        held_out,
        pooled=training is held_out,
        direction=settings.direction,
        space=feature_space(_features(training, settings.direction), STELLAR + links.nuisance_names),
        counts={"stars": finite.stars} | counts,
    )


def assemble(sample: Sample, fits: Sequence[ParameterFit], settings: FitSettings, *, own_error: Floats) -> FittedSurvey:
    """Return the survey model of the fits of Teff, log g and [Fe/H]."""
    features = sample.features(sample.training)
    models = tuple(fit.model for fit in fits)
    model = SurveyModel(
        direction=settings.direction,
        space=sample.space,
        models=models,
        domain=learn_domain(features, sample.features(sample.held_out), rng=np.random.default_rng(settings.seed)),
        axes=grid_axes(sample.space, features, models),
        correlation=_correlation(models, sample),
        reference_error=_typical_error(sample.training),
        model_error=np.array([fit.stability for fit in fits]),
        own_error=own_error,
        smoothing=_smoothing(sample),
    )
    return FittedSurvey(model, tuple(_metrics(fit, sample, settings) for fit in fits))


def reference_model(own_error: Floats) -> SurveyModel:
    """Return the model of a survey that defines the scale in all three parameters: its values are left alone."""
    space = FeatureSpace(STELLAR, np.zeros(3), np.ones(3), np.zeros(3), np.zeros(3))
    return SurveyModel(
        direction="forward",
        space=space,
        models=(IDENTITY, IDENTITY, IDENTITY),
        domain=Domain(np.zeros((1, 3)), np.zeros(3), np.ones(3), np.inf),
        axes=[np.zeros(1)] * 3,
        correlation=np.eye(3),
        reference_error=np.zeros(3),
        model_error=np.zeros(3),
        own_error=own_error,
    )


def fit_parameter(sample: Sample, parameter: int, settings: FitSettings, *, identity: bool) -> ParameterFit:
    """Fit the bias of a survey in one parameter.

    Args:
        sample: the stars.
        parameter: 0 Teff, 1 log g, 2 [Fe/H].
        settings: how.
        identity: whether the parameter defines the reference and stays as it is.
    """
    if identity:
        return ParameterFit(IDENTITY, {})
    p, training = parameter, sample.training
    features, target = sample.features(training), training.reported[:, p] - training.reference[:, p]
    folds = _selection_folds(training, everyone=sample.pooled)
    boost = settings.boost or BoostSettings.for_stars(training.stars)
    common: dict[str, Any] = {"boost": boost, "seed": settings.seed + p, "shrinkage": settings.shrinkage}
    kinds = candidates(training.stars, features.shape[1])
    holdout = _stopping_stars(training.star) if boost.patience else None
    choice = select_kind(features, target, training.weights, folds, sample.space, kinds, holdout=holdout, **common)
    refit = Refit(choice.kind, sample.space, boost, settings.seed + p, settings.shrinkage)
    model = refit(features, target, training.weights, holdout)
    stability = max(
        spread_of_refits(refit, training, target, features, sample.features(sample.held_out)),
        float(np.median(model.width.at(features))) / float(np.sqrt(training.stars)),  # no model beats a mean
    )
    loss = float(np.average(pinball_loss(target, model.quantiles(features)), weights=training.weights))
    model = replace(model, tails=_tails(p, model, choice, sample, target, settings))
    return ParameterFit(model, choice.losses, stability, loss)


def _fit_job(job: Job) -> ParameterFit:
    sample, parameter, identity, settings = job
    return fit_parameter(sample, parameter, settings, identity=identity)


def _features(links: Links, direction: str) -> Floats:
    return stack(links.reference if direction == "forward" else links.reported, links.nuisance)


def _divide(usable: Links, settings: FitSettings) -> tuple[Links, Links]:
    if usable.stars < settings.pooled:
        return usable, usable
    return usable.where(usable.split == TRAIN), usable.where(usable.split == CONFORMALIZE)


def _selection_folds(training: Links, *, everyone: bool) -> Integers:
    """Return the fold of each spectrum; of many stars one or two of five are judged, unless `everyone` is needed."""
    if training.stars < 200:
        return folds_of(training.star, 10)
    folds = folds_of(training.star, 5)
    judged = 5 if everyone or training.stars < FEW_FOLDS else 2 if training.stars < MANY else 1
    return np.where(folds < judged, folds, -1)


def _stopping_stars(star: Integers) -> Floats:
    """Return 1 for one star in seven: they decide when boosting stops."""
    return np.where(folds_of(star + 1, 7) == 0, 1.0, 0.0)


def _tails(p: int, model: BiasModel, choice: Selection, sample: Sample, target: Floats, settings: FitSettings) -> Tails:
    training = sample.training
    if training.stars < settings.few:
        return _student_tails(model, target, choice, sample, training.stars)
    at = sample.features(training)
    scaled, left_out = model.standardized(at, target), _scaled(model, sample, choice)
    if sample.pooled:  # cells must be grown on other stars than those that set their tails
        return conformalize_cells(left_out, scaled, at, ONE_CELL)
    judged = np.isfinite(left_out[:, 1])
    cells = grow_cells(
        model_features(model, at)[judged],
        (scaled < left_out[:, 0])[judged].astype(np.float64),
        (scaled > left_out[:, 2])[judged].astype(np.float64),
        smallest=SMALLEST_CELL,
    )
    held_out = sample.held_out
    at = sample.features(held_out)
    missed = model.standardized(at, held_out.reported[:, p] - held_out.reference[:, p])
    return conformalize_cells(model.raw_quantiles(at), missed, model_features(model, at), cells)


def model_features(model: BiasModel, features: Floats) -> Floats:
    """Return the features as a model sees them: inside its range, none missing."""
    assert model.base is not None
    return model.base.space.clip(features)


def _scaled(model: BiasModel, sample: Sample, choice: Selection) -> Floats:
    """Return the left-out quantiles (n, 3) in the units of the final model."""
    at = sample.features(sample.training)
    return np.column_stack([model.standardized(at, quantile) for quantile in choice.left_out.T])


def _student_tails(model: BiasModel, target: Floats, choice: Selection, sample: Sample, stars: int) -> Tails:
    """Return shifts that make a few-star model's interval as wide as its leave-out residuals, by Student's t.

    The half width is that of a prediction from n stars, t_(0.84, n-1) s sqrt(1 + 1/n).
    """
    at = sample.features(sample.training)
    residuals = model.standardized(at, target) - model.standardized(at, choice.left_out[:, 1])
    spread = max(scatter(residuals), 0.5 * float(residuals.std(ddof=1)))
    half_width = float(stats.t.ppf(0.84, stars - 1)) * spread * float(np.sqrt(1 + 1 / stars))
    lower, median, upper = (float(quantile) for quantile in model.residual_quantiles)
    return Tails(ONE_CELL, (TailShifts(median - half_width - lower, median + half_width - upper),))


def _correlation(models: tuple[BiasModel, ...], sample: Sample) -> Floats:
    """Return the correlation (3, 3) of the survey's errors from held-out stars; zero for reference parameters."""
    links, features = sample.held_out, sample.features(sample.held_out)
    scores = []
    for p, model in enumerate(models):
        residual = model.standardized(features, links.reported[:, p] - links.reference[:, p])
        residual = residual - model.raw_quantiles(features)[:, 1]
        scores.append(stats.norm.ppf(stats.rankdata(residual) / (len(residual) + 1)))
    correlation: Floats = np.nan_to_num(np.atleast_2d(np.corrcoef(np.array(scores))))
    fixed = np.array([model.kind is Kind.IDENTITY for model in models])
    correlation[fixed, :] = 0.0
    correlation[:, fixed] = 0.0
    np.fill_diagonal(correlation, 1.0)
    regular: Floats = 0.95 * correlation + 0.05 * np.eye(3)  # never singular, however few the stars
    return regular


def _smoothing(sample: Sample) -> Smoothing:
    """Return the smoothing of the tabulated trees, over twice the error of the reference; none for few stars."""
    training = sample.training
    reach = SMOOTHED_OVER * _typical_error(training)
    if training.stars < FEWEST_STARS or sample.direction != "forward" or not (reach > 0).all():
        return NO_SMOOTHING
    step = -(-len(training.star) // MOST_ANCHORS)
    return Smoothing(training.reference[::step].copy(), reach)


def _typical_error(links: Links) -> Floats:
    known = np.isfinite(links.reference_error)
    return np.array(
        [float(np.median(links.reference_error[known[:, p], p])) if known[:, p].any() else 0.0 for p in range(3)]
    )


def _overfit_gap(fit: ParameterFit) -> float | None:
    """Return by which share of itself the loss on left-out stars exceeds that on the stars of the fit."""
    held_out = fit.losses.get(str(fit.model.kind))
    return held_out / fit.training_loss - 1.0 if held_out and fit.training_loss else None


def _metrics(fit: ParameterFit, sample: Sample, settings: FitSettings) -> dict[str, Any]:
    model = fit.model
    few = sample.training.stars < settings.few
    return {
        **sample.counts,
        "tails": "Student's t" if few else "cross-conformal" if sample.pooled else "split conformal",
        "tail_shifts": [[shift.lower, shift.upper] for shift in model.tails.shifts],
        "cells": model.tails.cells.count,
        "stability": fit.stability,
        "cross_validated_pinball_loss": fit.losses,
        "overfit_gap": _overfit_gap(fit),
        "rounds": model.trees.booster.num_boosted_rounds() if model.trees else 0,
    }
