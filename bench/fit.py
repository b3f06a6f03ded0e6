"""Fit and apply a survey's models against plain XGBoost (direct, no conformal step, no domain) on the same stars."""

from __future__ import annotations

import time

import numpy as np
import xgboost

from app.science.calibration.fitting import fit_survey
from app.science.calibration.quantile_model import QUANTILES
from app.science.calibration.settings import FitSettings
from tests.support.links import giants, invented_links

LINKS = 20_000


def measure(url: str, rows: int = 500_000) -> list[tuple[str, float, str]]:
    """Return seconds to fit three parameters on 20,000 links, and rows/s of applying the models to `rows` spectra."""
    del url  # nothing of this happens in the database
    links = invented_links(LINKS)
    started = time.perf_counter()
    model = fit_survey(links, (False,) * 3, FitSettings(), own_error=np.full(3, np.nan)).model
    ours = time.perf_counter() - started
    reported = giants(rows, seed=5)
    nothing = np.full_like(reported, np.nan)
    model.calibrate(reported[:100], np.zeros((100, 0)), nothing[:100], nothing[:100])  # compiled and tabulated
    started = time.perf_counter()
    model.calibrate(reported, np.zeros((rows, 0)), nothing, nothing)
    applied = rows / (time.perf_counter() - started)
    plain_fit, plain_apply = _plain(links.reported, links.reported - links.reference, reported)
    return [
        (f"fit of 3 parameters, {LINKS:,} links: selection, trees, conformal step, domain", ours, "s"),
        ("fit, plain XGBoost of 100 rounds", plain_fit, "s"),
        ("apply with intervals, inversion and domain", applied, "rows/s"),
        ("apply, plain XGBoost", plain_apply, "rows/s"),
        ("apply, share of plain XGBoost", applied / plain_apply, "x"),
    ]


def _plain(features: np.ndarray, targets: np.ndarray, reported: np.ndarray) -> tuple[float, float]:
    settings = {"objective": "reg:quantileerror", "quantile_alpha": list(QUANTILES), "max_depth": 5, "nthread": 1}
    started = time.perf_counter()
    boosters = [
        xgboost.train(settings, xgboost.DMatrix(features, label=target), num_boost_round=100) for target in targets.T
    ]
    fitted = time.perf_counter() - started
    started = time.perf_counter()
    for booster in boosters:
        booster.predict(xgboost.DMatrix(reported))
    return fitted, len(reported) / (time.perf_counter() - started)
