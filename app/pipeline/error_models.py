"""Errors that surveys declare against what their repeats and the three-cornered hat say; reports, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.science.arrays import Booleans, Floats, Integers
from app.science.uncertainty.repeats import RepeatError, error_from_repeats, repeat_pairs
from app.science.uncertainty.scaling import ErrorScaling, HatError, Source, decide
from app.science.uncertainty.three_cornered_hat import three_cornered_hat, without_trend
from app.storage import error_models, frames, surveys
from app.storage.engine import Database
from app.storage.error_models import Columns, Declared

FEWEST_COMMON = 30
MOST_COMMON = 20_000
"""Stars of a hat: more make it slower and no better."""
SEED = 1


@dataclass(frozen=True)
class SurveyErrors:
    """One parameter of one survey.

    Attributes:
        survey: its name.
        parameter: teff, logg or feh.
        quoted: median error that the survey quotes, NaN where it quotes none.
        declared: the error model of the descriptor.
        repeats: what repeats say, None for fewer than three stars.
        hat: what the most telling three-cornered hat says, None where no three surveys have enough stars in common.
        stands: the error model that the evidence supports.
    """

    survey: str
    parameter: str
    quoted: float
    declared: ErrorScaling
    repeats: RepeatError | None
    hat: HatError | None
    stands: ErrorScaling

    def as_mapping(self) -> dict[str, Any]:
        """Return one row of the report; what is not known is None."""
        repeats, hat = self.repeats, self.hat
        row = {
            "survey": self.survey,
            "parameter": self.parameter,
            "quoted": self.quoted,
            "declared": self.declared.sigma(self.quoted),
            "repeat_stars": repeats.stars if repeats else 0,
            "repeats": repeats.scatter if repeats else None,
            "repeats_error": repeats.scatter_error if repeats else None,
            "k": repeats.k if repeats else None,
            "k_error": repeats.k_error if repeats else None,
            "floor": repeats.floor if repeats else None,
            "floor_error": repeats.floor_error if repeats else None,
            "hat_stars": hat.stars if hat else 0,
            "hat_with": " ".join(hat.others) if hat else None,
            "hat_variance": hat.variance if hat else None,
            "hat": hat.sigma if hat else None,
            "hat_error": hat.sigma_error if hat else None,
            "stands": self.stands.sigma(self.quoted),
            "stands_k": self.stands.k,
            "stands_floor": self.stands.floor,
            "source": str(self.stands.source),
        }
        return {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}


@dataclass(frozen=True)
class _Common:
    """One spectrum of each survey (s) for each star (n): values and quoted errors (n, s, 3), NaN where missing."""

    values: Floats
    quoted: Floats


def survey_errors(database: Database, name: str | None = None) -> list[SurveyErrors]:
    """Return what the data say of the errors of one survey or of all.

    Raises:
        UnknownSurveyError: nothing was ever ingested under this name.
    """
    with database.connect() as connection:
        if name is not None:
            surveys.get(connection, name)
        numbers = frames.surveys_with_measurements(connection)
        wanted = [one for one in numbers if name in (None, one)]
        declared = {number: error_models.declared(connection, number) for number in numbers.values()}
        typical = {one: frames.typical_errors(connection, numbers[one]) for one in wanted}
        spectra = {one: error_models.repeats(connection, numbers[one]) for one in wanted}
        together = error_models.seen_by_three(connection)
    found = []
    common = _common(together, list(numbers.values()), declared)
    hats = _hats(common, list(numbers), wanted)
    for one in wanted:
        said = declared[numbers[one]]
        for p, parameter in enumerate(PARAMETERS):
            repeats = _repeats(spectra[one], p, said)
            hat = hats.get((one, p))
            model = _declared(said, str(parameter))
            quoted = _undone(typical[one][p], model)
            found.append(SurveyErrors(one, str(parameter), quoted, model, repeats, hat, decide(model, repeats, hat)))
    return found


def _declared(said: Declared, parameter: str) -> ErrorScaling:
    """Return the error model of the survey's latest file that has the parameter."""
    models = [model for (_, name), model in sorted(said.items()) if name == parameter]
    if not models:
        return ErrorScaling(0.0, float("nan"), Source.DECLARED)
    kind, scale, floor = models[-1]
    return ErrorScaling(0.0 if kind == "absent" else scale, floor, Source.DECLARED)


def _undone(error: float | None, model: ErrorScaling) -> float:
    """Return the quoted error behind a stored one, NaN where nothing is quoted."""
    if error is None or model.k == 0.0:
        return float("nan")
    return float(np.sqrt(max(error**2 - model.floor**2, 0.0)) / model.k)


def _repeats(spectra: Columns, p: int, said: Declared) -> RepeatError | None:
    value = _values(spectra, p)
    pairs = repeat_pairs(spectra["star_id"], value, _quoted(spectra, p, said))
    if pairs.stars < FEWEST_COMMON:
        return None
    return error_from_repeats(pairs, rng=np.random.default_rng(SEED))


def _values(columns: Columns, p: int) -> Floats:
    """Return the values (n,) of a parameter, NaN where a quality cut excludes it."""
    cut: Booleans = ((columns["excluded"].astype(np.int64) >> p) & 1).astype(np.bool_)
    return np.where(cut, np.nan, columns[PARAMETERS[p]].astype(np.float64))


def _quoted(columns: Columns, p: int, said: Declared) -> Floats:
    """Return what the survey itself quotes (n,): the stored error without the descriptor's floor and factor."""
    name = PARAMETERS[p]
    error = 0.5 * (columns[f"{name}_err_lower"] + columns[f"{name}_err_upper"]).astype(np.float64)
    quoted = np.full(len(error), np.nan)
    for ingestion in np.unique(columns["ingestion_id"]):
        kind, scale, floor = said.get((int(ingestion), str(name)), ("absent", 1.0, 0.0))
        rows = columns["ingestion_id"] == ingestion
        if kind != "absent":
            quoted[rows] = np.sqrt(np.maximum(error[rows] ** 2 - floor**2, 0.0)) / scale
    return quoted


def _common(together: Columns, numbers: list[int], declared: dict[int, Declared]) -> _Common:
    stars, row = np.unique(together["star_id"], return_inverse=True)
    shape = (len(stars), len(numbers), len(PARAMETERS))
    values, quoted = np.full(shape, np.nan), np.full(shape, np.nan)
    for place, number in enumerate(numbers):
        rows = together["survey_id"] == number
        part = {name: column[rows] for name, column in together.items()}
        for p in range(len(PARAMETERS)):
            values[row[rows], place, p] = _values(part, p)
            quoted[row[rows], place, p] = _quoted(part, p, declared[number])
    return _Common(values, quoted)


def _hats(common: _Common, names: list[str], wanted: list[str]) -> dict[tuple[str, int], HatError]:
    """Return each survey's hat with the smallest error by survey and parameter."""
    best: dict[tuple[str, int], HatError] = {}
    for three in combinations(range(len(names)), 3):
        chosen = [names[i] for i in three]
        if len({_family(name) for name in chosen}) < 3 or not set(chosen) & set(wanted):
            continue
        for p, survey, found in _hats_of(common, np.array(three), names):
            known = best.get((survey, p))
            if known is None or found.variance_error < known.variance_error:
                best[survey, p] = found
    return best


def _hats_of(common: _Common, three: Integers, names: list[str]) -> Iterable[tuple[int, str, HatError]]:
    """Yield parameter, survey and its error for three surveys, on stars with all parameters from all of them."""
    values = common.values[:, three]
    rows = np.flatnonzero(np.isfinite(values).all(axis=(1, 2)))[:MOST_COMMON]
    if len(rows) < FEWEST_COMMON:
        return
    for p in range(len(PARAMETERS)):
        hat = three_cornered_hat(
            without_trend(values[rows, :, p], values[rows].mean(axis=1)), rng=np.random.default_rng(SEED), draws=100
        )
        for place, number in enumerate(three):
            quoted = common.quoted[rows, number, p]
            typical = float(np.median(quoted[np.isfinite(quoted)])) if np.isfinite(quoted).any() else float("nan")
            others = tuple(names[i] for i in three if i != number)
            variance, error = float(hat.variance[place]), float(hat.variance_error[place])
            yield p, names[number], HatError(hat.stars, variance, error, typical, others)


def _family(name: str) -> str:
    """Return what releases and products of one project share: their errors are not independent."""
    return name.split("_", 1)[0]
