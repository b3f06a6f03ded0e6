"""What the steps of a calibration hand to each other as bytes, bit for bit: links, samples, and single fits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from app.science.arrays import Floats, Numbers
from app.science.calibration.features import FeatureSpace
from app.science.calibration.fitting import ParameterFit, Sample
from app.science.calibration.frame import Frame
from app.science.calibration.links import Links
from app.science.calibration.serialize import dump_bias, dump_frame, load_bias
from app.science.calibration.settings import FitSettings
from app.science.calibration.survey_model import SurveyModel

MAGIC = b"SOS-DATA-1\n"
_ARRAYS = ("star", "split", "reported", "reference", "reference_error", "nuisance")
_SPACE = ("centre", "width", "lowest", "highest")


def fit_key(
    links: Links, identity: tuple[bool, ...], settings: FitSettings, own_error: Floats, software: Mapping[str, str]
) -> str:
    """Return the SHA-256 of everything that the models of a survey are made of.

    Two fits with the same key have the same result, bit for bit; `software` names the code and the libraries.
    """
    header = {
        "identity": list(identity),
        "settings": asdict(settings),
        "own_error": [float(error).hex() for error in own_error],
        "software": dict(software),
    }
    arrays, names = _arrays("", links), list(links.nuisance_names)
    return hashlib.sha256(_pack({**header, "nuisance": names}, arrays)).hexdigest()


def calibration_key(model: SurveyModel, frame: Frame, software: Mapping[str, str]) -> str:
    """Return the SHA-256 of everything that a survey's calibrated values are made of, Monte Carlo left out."""
    parts = [dump_frame(model), *map(dump_bias, model.models)]
    arrays = {"reported": frame.reported, "minus": frame.minus, "plus": frame.plus}
    arrays |= {"nuisance": frame.nuisance(model.space.nuisance)}
    header = {"software": dict(software), "models": [hashlib.sha256(part).hexdigest() for part in parts]}
    return hashlib.sha256(_pack(header, arrays)).hexdigest()


def dump_sample(sample: Sample) -> bytes:
    """Return the sample as bytes."""
    header = {
        "pooled": sample.pooled,
        "direction": sample.direction,
        "names": list(sample.space.names),
        "nuisance": list(sample.training.nuisance_names),
        "counts": sample.counts,
    }
    arrays = _arrays("training.", sample.training)
    if not sample.pooled:
        arrays |= _arrays("held_out.", sample.held_out)
    return _pack(header, arrays | {f"space.{name}": getattr(sample.space, name) for name in _SPACE})


def load_sample(content: bytes) -> Sample:
    """Return the sample of `dump_sample`.

    Raises:
        ValueError: the bytes are no sample.
    """
    header, arrays = _unpack(content)
    names = tuple(header["nuisance"])
    training = _links("training.", arrays, names)
    return Sample(
        training,
        training if header["pooled"] else _links("held_out.", arrays, names),
        pooled=header["pooled"],
        direction=header["direction"],
        space=FeatureSpace(tuple(header["names"]), *(arrays[f"space.{name}"] for name in _SPACE)),
        counts=header["counts"],
    )


def dump_fit(fit: ParameterFit) -> bytes:
    """Return the fit of one parameter as bytes."""
    figures = {"losses": fit.losses, "stability": fit.stability, "training_loss": fit.training_loss}
    return _pack(figures, {"model": np.frombuffer(dump_bias(fit.model), dtype=np.uint8)})


def load_fit(content: bytes, space: FeatureSpace) -> ParameterFit:
    """Return the fit of `dump_fit`; `space` is that of its sample.

    Raises:
        ValueError: the bytes are no fit.
    """
    figures, arrays = _unpack(content)
    return ParameterFit(load_bias(arrays["model"].tobytes(), space), **figures)


def _arrays(prefix: str, links: Links) -> dict[str, Numbers]:
    return {prefix + name: getattr(links, name) for name in _ARRAYS}


def _links(prefix: str, arrays: Mapping[str, Any], nuisance_names: tuple[str, ...]) -> Links:
    return Links(**{name: arrays[prefix + name] for name in _ARRAYS}, nuisance_names=nuisance_names)


def _pack(header: Mapping[str, Any], arrays: Mapping[str, Numbers]) -> bytes:
    shapes = {name: [array.dtype.str, list(array.shape)] for name, array in arrays.items()}
    text = json.dumps([header, shapes], sort_keys=True, separators=(",", ":")).encode()
    parts = (np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))
    return b"".join((MAGIC, len(text).to_bytes(8, "little"), text, *parts))


def _unpack(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    if not content.startswith(MAGIC):
        raise ValueError("these bytes are not what a step of a calibration left")
    place = len(MAGIC) + 8
    end = place + int.from_bytes(content[len(MAGIC) : place], "little")
    header, shapes = json.loads(content[place:end])
    arrays = {}
    for name in sorted(shapes):
        kind, shape = np.dtype(shapes[name][0]), shapes[name][1]
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(content, kind, count, end).reshape(shape).copy()
        end += count * kind.itemsize
    return header, arrays
