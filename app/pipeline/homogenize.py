"""The homogenization stage: every measurement is put on the reference scale and every star gets one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.consistency import measure_consistency
from app.pipeline.failure import recorded_failure
from app.pipeline.progress import Progress, silent
from app.science.calibration.frame import frame_of
from app.science.calibration.plan import Plan, parse_plan
from app.science.calibration.serialize import load_survey
from app.science.calibration.survey_model import Calibrated, SurveyModel
from app.science.combination.common_error import SharedErrors
from app.science.combination.correlation import PAIRS
from app.science.combination.stars import Contributions, Homogenized, homogenize
from app.storage import artifacts, frames, version_tables, versions
from app.storage.engine import Database

BLOCK = 500_000
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
class _Version:
    """What a version says about how measurements become stars; surveys of `shared` in the order of `models`."""

    version_id: int
    plan: Plan
    models: dict[int, SurveyModel]
    shared: SharedErrors


def homogenize_stars(database: Database, version_id: int, *, progress: Progress = silent) -> int:
    """Calibrate all measurements with a version's models, combine them star by star, and store both.

    What the surveys' errors share and lack is measured first and kept in the version's metrics. Measurements and stars
    are written to tables of the version's own that become visible in one transaction.

    Returns:
        How many stars there are.
    """
    with database.begin() as connection:
        plan = parse_plan(versions.get(connection, version_id).plan, file=f"version {version_id}")
        models = load_models(connection, version_id)
        total = frames.count_matches(connection)
        version_tables.drop(connection, version_id)
    with recorded_failure(database, version_id):
        shared = measure_consistency(database, version_id, models)
        return _homogenize(database, _Version(version_id, plan, models, shared), total, progress)


def _homogenize(database: Database, version: _Version, total: int, progress: Progress) -> int:
    stars = done = 0
    with database.connect() as reading, database.begin() as writing:
        version_tables.create(writing, version.version_id)
        for block in frames.measurements_by_star(reading, rows=BLOCK):
            stars += _write(writing, version, block)
            done += len(block["star_id"])
            progress(done, total)
        version_tables.attach(writing, version.version_id)
        versions.finish(writing, version.version_id, n_stars=stars)
    return stars


def load_models(connection: Any, version_id: int) -> dict[int, SurveyModel]:
    """Return the survey models of a version by survey number."""
    kept: dict[str, dict[str, bytes]] = {}
    for model in versions.models(connection, version_id):
        kept.setdefault(model.survey, {})[model.parameter] = artifacts.get(connection, model.artifact_sha256).content
    numbers = frames.surveys_with_measurements(connection)
    return {
        numbers[name]: load_survey(parts["frame"], (parts["teff"], parts["logg"], parts["feh"]))
        for name, parts in kept.items()
    }


def _write(connection: Any, version: _Version, block: Columns) -> int:
    star = block["star_id"]
    if len(star) == 0:
        return 0
    starts = np.concatenate([[0], np.flatnonzero(np.diff(star)) + 1, [len(star)]])
    calibrated = _calibrate(block, version.models, version.plan)
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
    version_tables.append(connection, "calibrated", number, _calibrated_columns(number, block, calibrated, result))
    version_tables.append(connection, "homogenized", number, _star_columns(number, block, starts[:-1], result))
    return len(starts) - 1


def _places(survey_id: np.ndarray[Any, Any], models: dict[int, SurveyModel]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the place of each measurement's survey among the models, 0 for those without one: they never enter."""
    places: np.ndarray[Any, np.dtype[np.int64]] = np.zeros(max([*models, int(survey_id.max())]) + 1, dtype=np.int64)
    places[list(models)] = np.arange(len(models))
    return np.asarray(places[survey_id])


def _calibrate(block: Columns, models: dict[int, SurveyModel], plan: Plan) -> _Calibrated:
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
    for survey_id, model in models.items():
        rows = block["survey_id"] == survey_id
        if not rows.any():
            continue
        frame = frame_of({name: column[rows] for name, column in block.items()})
        result = model.calibrate_frame(frame, plan)
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
