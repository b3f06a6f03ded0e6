"""What may be asked about two versions at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.domain.diffs import Change, MovedPage, ParameterDiff, SideBySide, VersionDiff
from app.domain.quantities import PARAMETERS
from app.domain.reproduction import leaves
from app.domain.versions import Model, Version
from app.science.arrays import Booleans, Floats
from app.science.validation import diff as science
from app.services.versions import resolve
from app.storage import diffs, versions
from app.storage.engine import Database

PAIR_FIGURES = ("n", "median", "scatter")


class Diffs:
    """Compares kept versions.

    Args:
        database: connections for reading whole versions, which takes a second for a million stars.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def resolve(self, first: int | None, second: int | None) -> tuple[int, int]:
        """Return the numbers of two complete versions, the published one for None.

        Raises:
            UnknownVersionError: one does not exist or is not complete.
            NotPublishedError: none is named and none has been published.
        """
        with self._database.connect() as connection:
            return resolve(connection, first), resolve(connection, second)

    def compare(self, first: int, second: int, *, sigma: float) -> VersionDiff:
        """Return everything that changed between two complete versions."""
        with self._database.connect() as connection:
            sides = versions.get(connection, first), versions.get(connection, second)
            models = versions.models(connection, first), versions.models(connection, second)
            counted = _Counted(sigma, diffs.survey_names(connection))
            for block in diffs.moves(connection, first, second):
                counted.add_stars(block)
            for block in diffs.moves_by_survey(connection, first, second):
                counted.add_surveys(block)
        before, after = (side.n_stars or 0 for side in sides)
        return VersionDiff(
            first=first,
            second=second,
            sigma=sigma,
            common=counted.common,
            only_first=before - counted.common,
            only_second=after - counted.common,
            moved=counted.moved,
            parameters={parameter: counted.parameter(p) for p, parameter in enumerate(PARAMETERS)},
            plan=_differing(leaves(sides[0].plan), leaves(sides[1].plan)),
            models=_differing(_kinds(models[0]), _kinds(models[1])),
            pairs=_together(_pairs(sides[0]), _pairs(sides[1])),
        )

    def moved(self, first: int, second: int, *, sigma: float, limit: int, after: str | None = None) -> MovedPage:
        """Return a page of the stars that moved by more than `sigma` errors, the farthest first.

        Raises:
            ParameterError: `after` is not the token of a page.
        """
        with self._database.connect() as connection:
            return diffs.moved(connection, first, second, sigma=sigma, limit=limit, after=after)


class _Counted:
    """Counts over all stars, as the blocks of both versions pass by."""

    def __init__(self, sigma: float, surveys: dict[int, str]) -> None:
        self.common = self.moved = 0
        self._sigma = sigma
        self._gained, self._lost = np.zeros(3, dtype=int), np.zeros(3, dtype=int)
        self._names = surveys
        self._places = np.full(max(surveys, default=0) + 1, -1)
        self._places[list(surveys)] = np.arange(len(surveys))
        self._everything = science.Tally(1, sigma=sigma)
        self._regions = science.Tally(len(science.region_edges()), sigma=sigma)
        self._kinds = [science.Tally(len(science.kind_edges(q)), sigma=sigma) for q in range(3)]
        self._surveys = science.Tally(max(len(surveys), 1), sigma=sigma)

    def add_stars(self, block: dict[str, Any]) -> None:
        moves = _moves(block)
        stars = len(moves.before)
        self.common += stars
        self.moved += int((moves.pull > self._sigma).any(axis=1).sum())
        had, has = np.isfinite(moves.before), np.isfinite(moves.after)
        self._lost += _count(had & ~has)
        self._gained += _count(~had & has)
        self._everything.add(moves, np.zeros(stars, dtype=np.int64))
        self._regions.add(moves, science.regions_of(block["ra"], block["dec"]))
        for q, tally in enumerate(self._kinds):
            tally.add(moves, science.kinds_of(moves.before[:, q], q))

    def add_surveys(self, block: dict[str, Any]) -> None:
        self._surveys.add(_moves(block), self._places[block["survey_id"].astype(np.int64)])

    def parameter(self, p: int) -> ParameterDiff:
        measured = ((name, _change(self._surveys, p, place)) for place, name in enumerate(self._names.values()))
        return ParameterDiff(
            lost=int(self._lost[p]),
            gained=int(self._gained[p]),
            everything=_change(self._everything, p, 0),
            surveys={name: change for name, change in measured if change.n},
            regions=tuple(
                (edges, _change(self._regions, p, place)) for place, edges in enumerate(science.region_edges())
            ),
            kinds=tuple(
                (PARAMETERS[q], lowest, highest, _change(self._kinds[q], p, place))
                for q in range(3)
                for place, (lowest, highest) in enumerate(science.kind_edges(q))
            ),
        )


def _moves(block: dict[str, Any]) -> science.Moves:
    parts = (_three(block, suffix) for suffix in ("before", "after", "pull"))
    return science.Moves(*parts)


def _three(block: dict[str, Any], suffix: str) -> Floats:
    return np.column_stack([block[f"{parameter}_{suffix}"] for parameter in PARAMETERS]).astype(np.float64)


def _count(condition: Booleans) -> Any:
    return condition.sum(axis=0)


def _change(tally: science.Tally, p: int, group: int) -> Change:
    spread = tally.spread(p, group)
    return Change(spread.n, spread.beyond, spread.quantiles if spread.n else None)


def _kinds(models: list[Model]) -> dict[str, Any]:
    return {f"{model.survey}.{model.parameter}": model.kind for model in models if model.parameter in PARAMETERS}


def _pairs(version: Version) -> dict[str, Any]:
    """Return median and scatter of each pair of surveys after calibration, as the validation report has them."""
    pairs = (version.report or {}).get("pairs", [])
    return {
        f"{pair['survey']} - {pair['other']}.{pair['parameter']}": {key: pair["after"].get(key) for key in PAIR_FIGURES}
        for pair in pairs
        if isinstance(pair, dict)
    }


def _together(first: dict[str, Any], second: dict[str, Any]) -> tuple[SideBySide, ...]:
    return tuple(SideBySide(name, first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second]))


def _differing(first: dict[str, Any], second: dict[str, Any]) -> tuple[SideBySide, ...]:
    return tuple(side for side in _together(first, second) if side.first != side.second)
