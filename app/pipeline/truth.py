"""A version judged by the truth of a simulated sky: what validation can only infer, measured. Nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.domain.versions import Version
from app.pipeline.models import load_models
from app.pipeline.truth_rows import Sky, TrueRows, load_sky, read_truth
from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.features import stack
from app.science.calibration.plan import Plan, parse_plan
from app.science.calibration.survey_model import SurveyModel
from app.science.validation.corrections import judge_corrections
from app.science.validation.true_cells import cells_of
from app.science.validation.true_domain import domain_shares
from app.science.validation.truth import LIMITS, fewest_in_a_cell, gain, true_bias, true_coverage, true_offset
from app.storage import frames, versions
from app.storage.engine import Database

FEWEST = 30
"""Values below which nothing is said of them."""
FEWEST_FOR_A_GAIN = 100
MOST_DISTANCES = 50_000
"""Stars of a survey whose true distance to its training stars is measured."""
MOST_ON_A_LINE = 20_000
SUMMARY = "mock.json"
UNSEEN = "no fit has seen them: test stars, and stars of one survey alone"
SETS = {"all": True, "no binaries": False}

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Judged:
    """A version with all that judging needs.

    Attributes:
        sky: measurements and stars beside their truth.
        version: the version.
        plan: its plan.
        models: its models by survey number.
        numbers: numbers of the surveys that have a model, by name.
        believed: values that the product uses, (n, 3).
        cells: cells of the measurements' true parameters, (n,).
    """

    sky: Sky
    version: Version
    plan: Plan
    models: dict[int, SurveyModel]
    numbers: dict[str, int]
    believed: Booleans
    cells: Integers


def judge_by_truth(database: Database, version_id: int, file: Path) -> dict[str, Any]:
    """Judge a version's calibrated measurements and combined values by the truth of its sky.

    Args:
        database: in which a sky of `sos mock` was ingested and homogenized.
        version_id: the version.
        file: the sky's truth.parquet.

    Returns:
        Sections of rows; docs/simulated_sky.md says what each number means.

    Raises:
        UnknownVersionError: there is no such version.
        ParameterError: there is no such file.
        TableError: the file is no truth, or that of another sky.
    """
    truth = read_truth(file)
    with database.begin() as connection:
        version = versions.get(connection, version_id)
        models = load_models(connection, version_id)
        numbers = frames.surveys_with_measurements(connection)
        sky = load_sky(connection, version_id, truth, file=file)
    plan = parse_plan(version.plan, file=f"version {version_id}")
    known = {name: number for name, number in numbers.items() if number in models}
    judged = _Judged(sky, version, plan, models, known, _believed(sky.rows, models), cells_of(sky.rows.truth))
    return {
        "unseen": UNSEEN,
        "null_sky": _without_bias(file),
        "measurements": len(sky.rows.star),
        "without_truth": sky.without_truth,
        "stars": len(sky.stars.value),
        "mixed_stars": sky.mixed,
        "bias": list(_bias(judged)),
        "coverage": list(_coverage(judged)),
        "gain": list(_gains(judged)),
        "domain": list(_domains(judged)),
        "zero_points": list(_zero_points(judged)),
        "corrections": list(_corrections(judged)),
    }


def _without_bias(file: Path) -> bool | None:
    """Return whether the sky was made without biases, None where its summary does not lie beside the truth."""
    summary = file.with_name(SUMMARY)
    return not json.loads(summary.read_text(encoding="utf-8"))["bias"] if summary.is_file() else None


def _believed(rows: TrueRows, models: dict[int, SurveyModel]) -> Booleans:
    identity = np.zeros((max([*models, int(rows.survey.max())]) + 1, 3), dtype=bool)
    for number, model in models.items():
        identity[number] = model.identity
    known = np.isfinite(rows.value) & np.isfinite(rows.minus) & np.isfinite(rows.plus)
    return np.asarray(rows.used & known & (rows.in_domain[:, None] | identity[rows.survey]))


def _bias(judged: _Judged) -> Iterator[dict[str, Any]]:
    for named, number, p, mine in _values(judged, judged.sky.rows.unseen):
        rows, fewest = judged.sky.rows, fewest_in_a_cell(int((judged.sky.rows.survey == number).sum()))
        truth = rows.truth[mine, p]
        before, after = rows.raw[mine, p] - truth, rows.value[mine, p] - truth
        limit = LIMITS[str(PARAMETERS[p])]
        yield named | asdict(true_bias(before, after, judged.cells[mine], limit=limit, fewest=fewest))


def _coverage(judged: _Judged) -> Iterator[dict[str, Any]]:
    rows = judged.sky.rows
    for named, _, p, mine in _values(judged, rows.unseen):
        parts = (rows.value[mine, p], rows.minus[mine, p], rows.plus[mine, p], rows.truth[mine, p])
        yield {"of": named.pop("survey"), "kind": "survey"} | named | asdict(true_coverage(*parts, judged.cells[mine]))
    for p, parameter in enumerate(PARAMETERS):
        yield from _combined_coverage(judged, p, str(parameter))


def _combined_coverage(judged: _Judged, p: int, parameter: str) -> Iterator[dict[str, Any]]:
    stars, count = judged.sky.stars, _surveys_of_stars(judged.sky, p)
    good = stars.unseen & np.isfinite(stars.value[:, p]) & np.isfinite(stars.truth[:, p]) & (count > 0)
    cells = cells_of(np.nan_to_num(stars.truth))
    for of, number in (_numbers(count) | {"all stars": count > 0}).items():
        for label, binaries in SETS.items():
            mine = good & number & (binaries | ~stars.outlier)
            if mine.sum() >= FEWEST:
                parts = (stars.value[mine, p], stars.minus[mine, p], stars.plus[mine, p], stars.truth[mine, p])
                named = {"of": of, "kind": "combined", "parameter": parameter, "stars": label}
                yield named | asdict(true_coverage(*parts, cells[mine]))


def _numbers(count: Integers) -> dict[str, Booleans]:
    """Return which stars (s,) rest on 1, 2, 3, and 4 surveys or more."""
    return {"1 survey": count == 1, "2 surveys": count == 2, "3 surveys": count == 3, "4+ surveys": count >= 4}


def _surveys_of_stars(sky: Sky, p: int) -> Integers:
    """Return how many surveys each star's combined value rests on, (s,)."""
    star, *_ = _survey_means(sky, p)
    return np.bincount(star, minlength=len(sky.stars.value))


def _survey_means(sky: Sky, p: int) -> tuple[Integers, Integers, Floats, Floats]:
    """Return star, survey, inverse-variance mean and its error of what each survey adds to each star, (k,) each."""
    rows = sky.rows
    mine = np.flatnonzero(rows.contributes[:, p])
    star, survey = rows.star[mine], rows.survey[mine]
    first = np.concatenate([[True], (np.diff(star) != 0) | (np.diff(survey) != 0)])[: len(star)]
    place, weight = np.cumsum(first) - 1, (0.5 * (rows.minus + rows.plus)[mine, p]) ** -2.0
    total = np.bincount(place, weights=weight)
    mean = np.bincount(place, weights=weight * rows.value[mine, p]) / total
    return star[first], survey[first], mean, np.asarray(total**-0.5, dtype=np.float64)


def _gains(judged: _Judged) -> Iterator[dict[str, Any]]:
    for p, parameter in enumerate(PARAMETERS):
        for of, kind, single, combined, outlier in _singles(judged, p):
            for label, binaries in SETS.items():
                mine = np.full(len(outlier), fill_value=True) if binaries else ~outlier
                if mine.sum() >= FEWEST_FOR_A_GAIN:
                    named = {"of": of, "kind": kind, "parameter": str(parameter), "stars": label}
                    yield named | asdict(gain(single[mine], combined[mine]))


def _singles(judged: _Judged, p: int) -> Iterator[tuple[str, str, Floats, Floats, Booleans]]:
    """Yield whose, kind, residuals of one survey and of the combined value on the same unseen stars, and binaries."""
    stars = judged.sky.stars
    star, survey, mean, error = _survey_means(judged.sky, p)
    count = np.bincount(star, minlength=len(stars.value))
    true = stars.truth[:, p]
    good = (stars.unseen & (count > 1) & np.isfinite(stars.value[:, p] - true))[star]
    order = np.lexsort((error, star))
    best = order[np.concatenate([[True], np.diff(star[order]) != 0])[: len(star)]]
    chosen = {name: ("survey", good & (survey == number)) for name, number in judged.numbers.items()}
    for of, number in _numbers(count).items():
        mine = np.zeros(len(star), dtype=bool)
        mine[best] = number[star[best]]
        chosen[of] = ("best", good & mine)
    for of, (kind, mine) in chosen.items():
        at = star[mine]
        yield of, kind, mean[mine] - true[at], stars.value[at, p] - true[at], stars.outlier[at]


def _domains(judged: _Judged) -> Iterator[dict[str, Any]]:
    """Yield the shares of the surveys whose models are about true features: forward ones, not all identity."""
    rows = judged.sky.rows
    for name, number in judged.numbers.items():
        model = judged.models[number]
        if model.identity.all() or not model.forward:
            continue
        whole = rows.used.all(axis=1) & np.isfinite(rows.value).all(axis=1)
        for label, binaries in SETS.items():
            mine = np.flatnonzero(whole & (rows.survey == number) & rows.unseen & (binaries | ~rows.outlier))
            if len(mine) < FEWEST:
                continue
            mine = mine[:: -(-len(mine) // MOST_DISTANCES)]
            columns = [rows.nuisance[nuisance][mine] for nuisance in model.space.nuisance]
            features = stack(rows.truth[mine], np.column_stack(columns) if columns else np.zeros((len(mine), 0)))
            shares = domain_shares(model.domain.distance(features), model.domain.limit, ~rows.in_domain[mine])
            yield {"survey": name, "stars": label} | asdict(shares)


def _zero_points(judged: _Judged) -> Iterator[dict[str, Any]]:
    """Yield the offsets of the surveys for which the version states an error of the zero point."""
    stated = judged.version.metrics.get("zero_points") or {"surveys": []}
    network = judged.version.metrics.get("network", {}).get("surveys", {})
    rows = judged.sky.rows
    for named, _, p, mine in _values(judged, np.ones(len(rows.star), dtype=bool)):
        if named["survey"] not in stated["surveys"]:
            continue
        place = stated["surveys"].index(named["survey"])
        variance = stated[named["parameter"]][place][place]
        if variance:
            residual = rows.value[mine, p] - rows.truth[mine, p]
            kind = "network" if named["survey"] in network else "alone"
            yield named | {"fitted": kind} | asdict(true_offset(residual, float(np.sqrt(variance))))


def _corrections(judged: _Judged) -> Iterator[dict[str, Any]]:
    """Yield the corrections of every parameter that is corrected at all."""
    rows = judged.sky.rows
    linked = _linked(judged)
    for named, number, p, mine in _values(judged, rows.unseen):
        if judged.models[number].identity[p]:
            continue
        trained = np.flatnonzero(linked & (rows.survey == number) & judged.believed[:, p] & (rows.split < 2))
        if len(trained) >= judged.plan.fit.pooled:
            trained = trained[rows.split[trained] == 0]
        fewest = fewest_in_a_cell(int((rows.survey == number).sum()))
        some = mine[:: -(-len(mine) // MOST_ON_A_LINE)]
        noise = rows.raw[trained, p] - rows.truth[trained, p]
        correction = rows.value[some, p] - rows.raw[some, p]
        yield named | asdict(
            judge_corrections(
                correction, rows.truth[some], judged.cells[some], noise, rows.truth[trained], fewest=fewest
            )
        )


def _linked(judged: _Judged) -> Booleans:
    """Return which measurements (n,) are of stars that a survey of an earlier stage saw too."""
    rows = judged.sky.rows
    stage = np.zeros(max([*judged.models, int(rows.survey.max())]) + 1, dtype=np.int64)
    for k, part in enumerate(judged.plan.stages, start=1):
        for name in part.surveys:
            if name in judged.numbers:
                stage[judged.numbers[name]] = k
    mine = stage[rows.survey]
    first = np.concatenate([[True], np.diff(rows.star) != 0])
    earliest = np.minimum.reduceat(mine, np.flatnonzero(first))
    return np.asarray(mine > earliest[np.cumsum(first) - 1])


def _values(judged: _Judged, stars: Booleans) -> Iterator[tuple[dict[str, Any], int, int, Integers]]:
    """Yield name and set, survey number, parameter and places of the believed values of each survey, where enough."""
    rows = judged.sky.rows
    for name, number in judged.numbers.items():
        of_survey = stars & (rows.survey == number)
        for p, parameter in enumerate(PARAMETERS):
            for label, binaries in SETS.items():
                mine = np.flatnonzero(of_survey & judged.believed[:, p] & (binaries | ~rows.outlier))
                if len(mine) >= FEWEST:
                    yield {"survey": name, "parameter": str(parameter), "stars": label}, number, p, mine
