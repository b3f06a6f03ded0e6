"""The homogenization stage: every measurement is put on the reference scale and every star gets one value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from app.domain.quantities import PARAMETERS
from app.pipeline.consistency import measure_consistency, shared_errors
from app.pipeline.failure import recorded_failure
from app.pipeline.models import load_models
from app.pipeline.progress import Progress, silent
from app.science.calibration.frame import frame_of
from app.science.calibration.plan import Plan, parse_plan
from app.science.calibration.survey_model import Calibrated, SurveyModel
from app.science.combination.common_error import SharedErrors
from app.science.combination.correlation import PAIRS
from app.science.combination.stars import Contributions, Homogenized, homogenize
from app.storage import frames, version_tables, versions
from app.storage.engine import Database

BLOCK = 250_000
"""Measurements that are homogenized at a time."""
NOT_CONVERGED, OUTSIDE_DOMAIN, NO_QUOTED_ERROR, EXCLUDED, NO_MODEL = 1, 2, 4, (16, 32, 64), 128
RHO = tuple(f"rho_{PARAMETERS[p]}_{PARAMETERS[q]}" for p, q in PAIRS)
Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


@dataclass(frozen=True)
class _Calibrated:
    """A block of measurements after calibration, row by row as the block itself."""

    value: np.ndarray[Any, np.dtype[np.float64]]
    minus: np.ndarray[Any, np.dtype[np.float64]]
    plus: np.ndarray[Any, np.dtype[np.float64]]
    rho: np.ndarray[Any, np.dtype[np.float64]]
    used: np.ndarray[Any, np.dtype[np.bool_]]
    in_domain: np.ndarray[Any, np.dtype[np.bool_]]
    believed: np.ndarray[Any, np.dtype[np.bool_]]
    flags: np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Recipe:
    """What a version says about how measurements become stars; surveys of `shared` in the order of `models`."""

    version_id: int
    plan: Plan
    models: dict[int, SurveyModel]
    names: dict[int, str]
    shared: SharedErrors


@dataclass(frozen=True)
class Part:
    """A range of stars that is written: how many, and the SHA-256 of their rows and of their measurements'."""

    stars: int
    sha256: str


def homogenize_stars(database: Database, version_id: int, *, progress: Progress = silent) -> int:
    """Calibrate all measurements with a version's models, combine them star by star, and store both.

    What the surveys' errors share and lack is measured first and kept in the version's metrics. Measurements and stars
    are written to tables of the version's own that become visible in one transaction.

    Returns:
        How many stars there are.
    """
    with recorded_failure(database, version_id):
        parts = prepare(database, version_id)
        recipe = load_recipe(database, version_id)
        with database.begin() as connection:
            version_tables.drop(connection, version_id)
            version_tables.create(connection, version_id)
            written = []
            for done, stars in enumerate(parts):
                written.append(write_part(connection, recipe, stars, freeze=True))
                progress(done + 1, len(parts))
            finish(connection, version_id, written)
    return sum(part.stars for part in written)


def prepare(database: Database, version_id: int) -> list[tuple[int, int]]:
    """Measure what errors share and lack; return the ranges of stars that are homogenized one by one."""
    with database.connect() as connection:
        models = load_models(connection, version_id)
        parts = frames.star_ranges(connection, rows=BLOCK)
    measure_consistency(database, version_id, models)
    return parts


def load_recipe(database: Database, version_id: int) -> Recipe:
    """Return how a prepared version makes stars of measurements."""
    with database.connect() as connection:
        version = versions.get(connection, version_id)
        models = load_models(connection, version_id)
        by_number = {number: name for name, number in frames.surveys_with_measurements(connection).items()}
    names = {number: by_number[number] for number in models}
    shared = shared_errors(version.metrics, list(names.values()))
    return Recipe(version_id, parse_plan(version.plan, file=f"version {version_id}"), models, names, shared)


def write_part(connection: Connection, recipe: Recipe, stars: tuple[int, int], *, freeze: bool = False) -> Part:
    """Homogenize a range of stars (first, below) into the version's tables, in the caller's transaction."""
    block = frames.measurements_of_stars(connection, stars)
    if not len(block["star_id"]):
        return Part(0, hashlib.sha256().hexdigest())
    columns = _homogenized(block, recipe)
    for table in version_tables.TABLES:
        version_tables.append(connection, table, recipe.version_id, columns[table], freeze=freeze)
    return Part(len(columns["homogenized"]["star_id"]), _digest(columns))


def finish(connection: Connection, version_id: int, parts: Sequence[Part]) -> None:
    """Make the tables of a version part of the catalogue, and the version ready."""
    version_tables.attach(connection, version_id)
    digest = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    versions.set_metrics(connection, version_id, {"catalogue_sha256": digest})
    versions.finish(connection, version_id, n_stars=sum(part.stars for part in parts))


def _digest(tables: Mapping[str, Columns]) -> str:
    """Return the SHA-256 of all values but the version's number, as they are stored."""
    digest = hashlib.sha256()
    for table in version_tables.TABLES:
        for name, values in sorted(tables[table].items()):
            if name != "version_id":
                digest.update(name.encode() + _as_stored(name, values).tobytes())
    return digest.hexdigest()


def _as_stored(name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return values in the precision of their column, missing ones as one bit pattern."""
    plain = np.ma.filled(values, 0) if np.ma.isMaskedArray(values) else np.asarray(values)
    if plain.dtype.kind != "f":
        return plain
    stored = plain.astype(np.float64 if name in {"ra", "dec"} else np.float32, copy=True)
    stored[np.isnan(stored)] = np.nan
    return stored


def _homogenized(block: Columns, version: Recipe) -> dict[str, Columns]:
    """Return the rows of the version's tables for the measurements of a block."""
    star = block["star_id"]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(star)) + 1, [len(star)]])
    calibrated = _calibrate(block, version)
    contributions = Contributions(
        starts=starts,
        survey=_places(block["survey_id"], version.models),
        value=calibrated.value,
        minus=calibrated.minus,
        plus=calibrated.plus,
        rho=calibrated.rho,
        used=calibrated.used,
        in_domain=calibrated.believed,
        ambiguous=block["ambiguous"],
    )
    plan = version.plan
    refuse = plan.outside_domain == "refuse"
    result = homogenize(
        contributions,
        version.shared,
        refuse_outside=refuse,
        widen_factor=plan.widen_factor,
        linear_beyond=plan.linear_beyond,
    )
    number = version.version_id
    return {
        "calibrated": _calibrated_columns(number, block, calibrated, result),
        "homogenized": _star_columns(number, block, starts[:-1], result),
    }


def _places(survey_id: np.ndarray[Any, Any], models: dict[int, SurveyModel]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the place of each measurement's survey among the models, 0 for those without one: they never enter."""
    places: np.ndarray[Any, np.dtype[np.int64]] = np.zeros(max([*models, int(survey_id.max())]) + 1, dtype=np.int64)
    places[list(models)] = np.arange(len(models))
    return np.asarray(places[survey_id])


def _calibrate(block: Columns, version: Recipe) -> _Calibrated:
    n = len(block["star_id"])
    out = _Calibrated(
        value=np.full((n, 3), np.nan),
        minus=np.full((n, 3), np.nan),
        plus=np.full((n, 3), np.nan),
        rho=np.full((n, 3), np.nan),
        used=np.zeros((n, 3), dtype=bool),
        in_domain=np.zeros(n, dtype=bool),
        believed=np.zeros((n, 3), dtype=bool),
        flags=np.full(n, NO_MODEL, dtype=np.int64),
    )
    for survey_id, model in version.models.items():
        rows = block["survey_id"] == survey_id
        if not rows.any():
            continue
        cuts = version.plan.cuts_of(version.names[survey_id])
        frame = frame_of({name: column[rows] for name, column in block.items()}).within(cuts)
        result = model.calibrate_frame(frame, version.plan)
        out.value[rows], out.minus[rows], out.plus[rows] = result.value, result.minus, result.plus
        out.rho[rows] = _correlation(block, rows, model, result)
        out.used[rows], out.in_domain[rows] = frame.used, result.in_domain
        out.believed[rows] = result.in_domain[:, None] | model.identity
        out.flags[rows] = (
            NOT_CONVERGED * ~result.converged
            + OUTSIDE_DOMAIN * ~result.in_domain
            + NO_QUOTED_ERROR * np.isnan(frame.minus).any(axis=1)
            + sum(bit * ~frame.used[:, p] for p, bit in enumerate(EXCLUDED))
        )
    return out


def _correlation(block: Columns, rows: np.ndarray[Any, Any], model: SurveyModel, result: Calibrated) -> Any:
    """Return the errors' correlations (n, 3): the survey's own where both parameters stay as it reports them."""
    fixed = model.identity
    own = np.column_stack([block[name][rows] for name in RHO]).astype(np.float64)
    return np.where([fixed[p] and fixed[q] for p, q in PAIRS], own, result.rho)


def _calibrated_columns(version_id: int, block: Columns, calibrated: _Calibrated, result: Homogenized) -> Columns:
    n = len(block["star_id"])
    columns: Columns = {
        "version_id": np.full(n, version_id),
        "measurement_id": block["measurement_id"],
        "survey_id": block["survey_id"],
        "star_id": block["star_id"],
        "in_domain": calibrated.in_domain,
        "split": block["split"],
        "flags": calibrated.flags,
    }
    for p, (parameter, part) in enumerate(zip(PARAMETERS, result.parameters, strict=True)):
        columns[f"{parameter}"] = calibrated.value[:, p]
        columns[f"{parameter}_lower"] = calibrated.value[:, p] - calibrated.minus[:, p]
        columns[f"{parameter}_upper"] = calibrated.value[:, p] + calibrated.plus[:, p]
        columns[f"{parameter}_weight"] = part.combined.weight
    return columns


def _star_columns(version_id: int, block: Columns, first: np.ndarray[Any, Any], result: Homogenized) -> Columns:
    gaia = block["gaia_dr3_source_id"][first]
    columns: Columns = {
        "version_id": np.full(len(first), version_id),
        "star_id": block["star_id"][first],
        "gaia_dr3_source_id": np.ma.masked_equal(gaia, 0),
        "ra": block["ra"][first],
        "dec": block["dec"][first],
    }
    for band in ("g", "bp", "rp", "k"):
        columns[f"{band}_mag"] = block[f"star_{band}_mag"][first]
    for place, name in enumerate(RHO):
        columns[name] = result.rho[:, place]
    for parameter, part in zip(PARAMETERS, result.parameters, strict=True):
        combined = part.combined
        columns[f"{parameter}"] = combined.value
        columns[f"{parameter}_lower"] = combined.value - combined.minus
        columns[f"{parameter}_upper"] = combined.value + combined.plus
        columns[f"{parameter}_n"] = combined.n
        columns[f"{parameter}_chi2"] = combined.chi2
        columns[f"{parameter}_p_value"] = combined.p_value
        columns[f"{parameter}_flags"] = part.flags
    return columns
