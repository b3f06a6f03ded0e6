"""The models of a version, ready to calibrate; their tables are kept on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from app.pipeline import machine_cache
from app.pipeline.machine_cache import Arrays
from app.pipeline.software import software_versions
from app.science.calibration.grid import BiasGrid
from app.science.calibration.serialize import dump_bias, dump_frame, load_survey
from app.science.calibration.survey_model import SurveyModel
from app.storage import artifacts, frames, versions

_PARTS = ("frame", "teff", "logg", "feh")


def load_models(connection: Connection, version_id: int) -> dict[int, SurveyModel]:
    """Return the survey models of a version by survey number."""
    kept: dict[str, dict[str, str]] = {}
    for model in versions.models(connection, version_id):
        kept.setdefault(model.survey, {})[model.parameter] = model.artifact_sha256
    numbers = frames.surveys_with_measurements(connection)
    return {numbers[name]: load_model(connection, parts) for name, parts in kept.items()}


def load_model(connection: Connection, artifacts_of: Mapping[str, str]) -> SurveyModel:
    """Return a survey's model from the checksums of its parts: `frame`, `teff`, `logg`, `feh`."""
    return _load(connection, [artifacts_of[part] for part in _PARTS])


def _load(connection: Connection, checksums: list[str]) -> SurveyModel:
    frame, *models = (artifacts.get(connection, sha256).content for sha256 in checksums)
    loaded = load_survey(frame, (models[0], models[1], models[2]))
    return _keeping(loaded, checksums)


def keeping(model: SurveyModel) -> SurveyModel:
    """Return a model that has not been stored yet, its table kept as that of the stored one will be."""
    parts = [dump_frame(model), *map(dump_bias, model.models)]
    return _keeping(model, [hashlib.sha256(part).hexdigest() for part in parts])


def _keeping(model: SurveyModel, checksums: list[str]) -> SurveyModel:
    if model.identity.all():
        return model
    made_of = " ".join([*checksums, software_versions()["science_sha256"]])
    return replace(model, keeper=partial(_kept_grid, hashlib.sha256(made_of.encode()).hexdigest()))


def _kept_grid(sha256: str, make: Callable[[], BiasGrid]) -> BiasGrid:
    def arrays() -> Arrays:
        made = make()
        return {"axes": made.axes, "sizes": made.sizes, "values": made.values}

    return BiasGrid(**machine_cache.kept(sha256, arrays))
