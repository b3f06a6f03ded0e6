"""Boosted quantiles follow a heteroscedastic truth, in order, and the same every time."""

import numpy as np
import pytest

from app.science.calibration.quantile_model import fit_quantile_trees, pinball_loss
from app.science.calibration.settings import BoostSettings

NAMES = ("a", "b", "c")


def sample(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.uniform(-1, 1, (n, 3))
    noise = np.where(features[:, 1] > 0, 1.0, 0.2)
    return features, np.sin(3 * features[:, 0]) + noise * rng.normal(size=n)


def fit(features, target, **kwargs):
    settings = BoostSettings(rounds=100, depth=3)
    return fit_quantile_trees(
        features, target, np.ones(len(target)), NAMES, settings=settings, scale=1.0, seed=7, **kwargs
    )


def test_quantiles_hold_their_shares_where_the_noise_is_small_and_where_it_is_large():
    model = fit(*sample(6000, 1))
    features, target = sample(20_000, 2)
    predicted = model.predict(features)
    assert (np.diff(predicted, axis=1) >= 0).all()
    for loud in (True, False):
        part = (features[:, 1] > 0) == loud
        inside = (target >= predicted[:, 0]) & (target <= predicted[:, 2])
        assert np.mean(inside[part]) == pytest.approx(0.68, abs=0.05)


def test_the_same_input_gives_the_same_bytes():
    first, second = fit(*sample(800, 3)), fit(*sample(800, 3))
    assert bytes(first.booster.save_raw("ubj")) == bytes(second.booster.save_raw("ubj"))


def test_early_stopping_keeps_fewer_rounds_and_does_not_fit_the_holdout():
    features, target = sample(1500, 4)
    holdout = (np.arange(1500) % 7 == 0).astype(float)
    settings = BoostSettings(rounds=600, depth=6, min_child_weight=2, learning_rate=0.2, patience=10)
    weights = np.ones(1500)
    model = fit_quantile_trees(features, target, weights, NAMES, settings=settings, scale=1.0, seed=1, holdout=holdout)
    assert model.booster.num_boosted_rounds() < 600
    spoiled = np.where(holdout == 1, target + 1e-9, target)
    again = fit_quantile_trees(features, spoiled, weights, NAMES, settings=settings, scale=1.0, seed=1, holdout=holdout)
    assert np.array_equal(model.predict(features), again.predict(features))


def test_pinball_loss_is_smallest_at_the_true_quantiles():
    draws = np.random.default_rng(9).normal(size=50_000)
    right = np.tile([-0.9945, 0.0, 0.9945], (50_000, 1))
    for wrong in (right * 0.8, right * 1.2, right + 0.2):
        assert pinball_loss(draws, right).mean() < pinball_loss(draws, wrong).mean()
