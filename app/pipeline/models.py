"""The models of a version, ready to calibrate; what takes seconds to tabulate is kept in a folder of this machine."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from app.pipeline.software import software_versions
from app.science.calibration.grid import BiasGrid
from app.science.calibration.serialize import load_survey
from app.science.calibration.survey_model import SurveyModel
from app.storage import artifacts, frames, versions

MOST_GRIDS = 60
"""Tabulated models kept in the folder, each some 50 MB: the ones used last."""

_PARTS = ("frame", "teff", "logg", "feh")
_folder: list[Path] = []


def keep_grids_in(folder: Path) -> None:
    """Keep tabulated models in a folder from now on; a process says so once, at its door."""
    folder.mkdir(parents=True, exist_ok=True)
    _folder[:] = [folder]


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
    if not _folder or loaded.identity.all():
        return loaded
    made_of = " ".join([*checksums, software_versions()["science_sha256"]])
    name = hashlib.sha256(made_of.encode()).hexdigest()
    return replace(loaded, keeper=partial(_kept, _folder[0] / f"{name}.npz"))


def _kept(path: Path, make: Callable[[], BiasGrid]) -> BiasGrid:
    """Return the grid of a file, or make it and write the file; a file is whole or not there."""
    with suppress(OSError, ValueError, EOFError):
        with np.load(path) as grid:
            found = BiasGrid(grid["axes"], grid["sizes"], grid["values"])
        os.utime(path)
        return found
    made = make()
    with suppress(OSError):  # a full disk costs time, not the result
        _write(path, made)
    return made


def _write(path: Path, grid: BiasGrid) -> None:
    number, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            np.savez(file, axes=grid.axes, sizes=grid.sizes, values=grid.values)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    by_age = sorted(path.parent.glob("*.npz"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in by_age[MOST_GRIDS:]:
        old.unlink(missing_ok=True)
