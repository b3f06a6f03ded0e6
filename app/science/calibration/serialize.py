"""Fitted models as bytes and back, bit for bit: a JSON header, then the booster in XGBoost's UBJ form."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xgboost

from app.science.arrays import Floats
from app.science.calibration.bias_model import BiasModel, Kind
from app.science.calibration.cells import Cells
from app.science.calibration.conformal import Tails, TailShifts
from app.science.calibration.domain import Domain
from app.science.calibration.features import FeatureSpace
from app.science.calibration.grid import Smoothing
from app.science.calibration.low_order import LowOrder
from app.science.calibration.quantile_model import QUANTILES, QuantileTrees
from app.science.calibration.survey_model import SurveyModel
from app.science.calibration.width import UNIT_WIDTH, Profile, Width

MAGIC = b"SOS-MODEL-2\n"


def dump_bias(model: BiasModel) -> bytes:
    """Return one bias model as bytes; the same model gives the same bytes."""
    header: dict[str, Any] = {
        "kind": str(model.kind),
        "quantiles": list(QUANTILES),
        "residual_quantiles": _numbers(model.residual_quantiles),
        "tails": _tails_header(model.tails),
        "base": _polynomial(model.base),
        "width": {
            "log": _polynomial(model.width.log_width),
            "lowest": model.width.lowest,
            "highest": model.width.highest,
            "profiles": [[_numbers(one.place), _numbers(one.log_factor)] for one in model.width.profiles],
        },
        "trees": None,
    }
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
    trees, width = None, header["width"]
    if header["trees"] is not None:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(rest))
        trees = QuantileTrees(booster, tuple(header["trees"]["names"]), header["trees"]["scale"])
    return BiasModel(
        kind=Kind(header["kind"]),
        base=_low_order(header["base"], space),
        width=_width(width, space) if width["log"] else UNIT_WIDTH,
        trees=trees,
        residual_quantiles=np.array(header["residual_quantiles"]),
        tails=_tails(header["tails"]),
    )


def _polynomial(fitted: LowOrder | None) -> dict[str, Any] | None:
    return None if fitted is None else {"degree": fitted.degree, "coefficients": _numbers(fitted.coefficients)}


def _low_order(header: dict[str, Any] | None, space: FeatureSpace) -> LowOrder | None:
    return LowOrder(header["degree"], np.array(header["coefficients"]), space) if header else None


def _width(header: dict[str, Any], space: FeatureSpace) -> Width:
    profiles = tuple(Profile(np.array(place), np.array(logs)) for place, logs in header["profiles"])
    return Width(_low_order(header["log"], space), header["lowest"], header["highest"], profiles)


def _tails_header(tails: Tails) -> dict[str, Any]:
    cells = tails.cells
    parts = {part: getattr(cells, part).tolist() for part in ("feature", "threshold", "left", "right")}
    return parts | {"shifts": [[shift.lower, shift.upper] for shift in tails.shifts]}


def _tails(header: dict[str, Any]) -> Tails:
    feature, left, right = (np.array(header[part], dtype=np.int64) for part in ("feature", "left", "right"))
    cells = Cells(feature, np.array(header["threshold"]), left, right)
    return Tails(cells, tuple(TailShifts(*shift) for shift in header["shifts"]))


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
        "model_error": _numbers(model.model_error),
        "own_error": _numbers(model.own_error),
        "zero_point_error": _numbers(model.zero_point_error),
        "smoothing": {"reach": _numbers(model.smoothing.reach)},
        "domain": {
            "centre": _numbers(model.domain.centre),
            "width": _numbers(model.domain.width),
            "limit": model.domain.limit,
            "shape": list(model.domain.points.shape),
        },
    }
    parts = (model.domain.points.astype("<f8"), model.smoothing.anchors.astype("<f8"))
    return _pack(header, b"".join(np.ascontiguousarray(part).tobytes() for part in parts))


def load_survey(frame: bytes, models: tuple[bytes, bytes, bytes]) -> SurveyModel:
    """Return the survey model of a frame and the bias models of Teff, log g and [Fe/H]."""
    header, rest = _unpack(frame)
    parts = header["space"]
    space = FeatureSpace(
        tuple(parts["names"]), *(np.array(parts[part]) for part in ("centre", "width", "lowest", "highest"))
    )
    domain = header["domain"]
    numbers = np.frombuffer(rest, dtype="<f8")
    known = int(np.prod(domain["shape"]))
    points = numbers[:known].reshape(domain["shape"])
    smoothing = Smoothing(numbers[known:].reshape(-1, 3), np.array(header["smoothing"]["reach"]))
    return SurveyModel(
        direction=header["direction"],
        space=space,
        models=tuple(load_bias(content, space) for content in models),
        domain=Domain(points, np.array(domain["centre"]), np.array(domain["width"]), domain["limit"]),
        axes=[np.array(axis) for axis in header["axes"]],
        correlation=np.array(header["correlation"]),
        reference_error=np.array(header["reference_error"]),
        model_error=np.array(header["model_error"]),
        own_error=np.array(header["own_error"]),
        smoothing=smoothing,
        zero_point_error=np.array(header["zero_point_error"]),
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
