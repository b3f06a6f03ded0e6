"""Fitted models as bytes and back, bit for bit: a JSON header, then the booster in XGBoost's UBJ form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost

from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.conformal import TailShifts
from app.science.calibration.domain import Domain
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import LowOrder
from app.science.calibration.quantile_model import QUANTILES, QuantileTrees
from app.science.calibration.survey_model import SurveyModel

MAGIC = b"SOS-MODEL-1\n"


def dump_bias(model: BiasModel) -> bytes:
    """Return one bias model as bytes; the same model gives the same bytes."""
    header: dict[str, Any] = {
        "kind": str(model.kind),
        "quantiles": list(QUANTILES),
        "residual_quantiles": _numbers(model.residual_quantiles),
        "shifts": [model.shifts.lower, model.shifts.upper],
        "base": None,
        "trees": None,
    }
    if model.base is not None:
        header["base"] = {"degree": model.base.degree, "coefficients": _numbers(model.base.coefficients)}
    if model.trees is not None:
        header["trees"] = {"names": list(model.trees.names), "scale": model.trees.scale}
    booster = bytes(model.trees.booster.save_raw("ubj")) if model.trees is not None else b""
    return _pack(header, booster)


def load_bias(content: bytes, space: FeatureSpace) -> BiasModel:
    """Return the model of `dump_bias`; `space` comes from `load_frame`.

    Raises:
        ValueError: the bytes are not such a model.
    """
    header, rest = _unpack(content)
    base, trees = header["base"], None
    if header["trees"] is not None:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(rest))
        trees = QuantileTrees(booster, tuple(header["trees"]["names"]), header["trees"]["scale"])
    return BiasModel(
        kind=Kind(header["kind"]),
        base=LowOrder(base["degree"], np.array(base["coefficients"]), space) if base else None,
        trees=trees,
        residual_quantiles=np.array(header["residual_quantiles"]),
        shifts=TailShifts(*header["shifts"]),
    )


def dump_frame(model: SurveyModel) -> bytes:
    """Return all that a survey's three bias models share: features, domain, grid axes, error correlation."""
    header = {
        "direction": model.direction,
        "space": {
            "names": list(model.space.names),
            **{part: _numbers(getattr(model.space, part)) for part in ("centre", "width", "lowest", "highest")},
        },
        "axes": [_numbers(axis) for axis in model.axes],
        "correlation": model.correlation.tolist(),
        "reference_error": _numbers(model.reference_error),
        "own_error": _numbers(model.own_error),
        "domain": {
            "centre": _numbers(model.domain.centre),
            "width": _numbers(model.domain.width),
            "limit": model.domain.limit,
            "shape": list(model.domain.points.shape),
        },
    }
    return _pack(header, np.ascontiguousarray(model.domain.points, dtype="<f8").tobytes())


def load_survey(frame: bytes, models: tuple[bytes, bytes, bytes]) -> SurveyModel:
    """Return the survey model of a frame and the bias models of Teff, log g and [Fe/H]."""
    header, rest = _unpack(frame)
    parts = header["space"]
    space = FeatureSpace(
        tuple(parts["names"]), *(np.array(parts[part]) for part in ("centre", "width", "lowest", "highest"))
    )
    domain = header["domain"]
    points = np.frombuffer(rest, dtype="<f8").reshape(domain["shape"])
    return SurveyModel(
        direction=header["direction"],
        space=space,
        models=tuple(load_bias(content, space) for content in models),
        domain=Domain(points, np.array(domain["centre"]), np.array(domain["width"]), domain["limit"]),
        axes=[np.array(axis) for axis in header["axes"]],
        correlation=np.array(header["correlation"]),
        reference_error=np.array(header["reference_error"]),
        own_error=np.array(header["own_error"]),
    )


def _numbers(values: Floats) -> list[float]:
    return [float(value) for value in values]


def _pack(header: dict[str, Any], rest: bytes) -> bytes:
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return MAGIC + len(text).to_bytes(8, "little") + text + rest


def _unpack(content: bytes) -> tuple[dict[str, Any], bytes]:
    if not content.startswith(MAGIC):
        raise ValueError("these bytes are not a SoS model")
    start = len(MAGIC) + 8
    length = int.from_bytes(content[len(MAGIC) : start], "little")
    header: dict[str, Any] = json.loads(content[start : start + length])
    return header, content[start + length :]
