"""From the table of weak surveys to equations: feature spaces, best estimates of the stars, design matrices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.features import STELLAR, FeatureSpace, feature_space, stack
from app.science.calibration.low_order import design
from app.science.calibration.network_degrees import CONSTANT, FULL
from app.science.calibration.network_degrees import STELLAR as STELLAR_LEVEL
from app.science.calibration.network_gls import Solution, StarSystem
from app.science.calibration.network_population import Expected, expected_by_group
from app.science.calibration.network_table import WeakTable

FIRST_ERROR = (100.0, 0.15, 0.1)
"""Of stars that only weak surveys saw, before anything is known of these: K, dex, dex."""

SMALLEST_WIDTH = {"teff": 500.0, "logg": 0.5, "feh": 0.3, "log_snr": 0.3, "g_mag": 1.0, "k_mag": 1.0}
"""Ranges of the features over which a bias may change by about the survey's noise."""


@dataclass(frozen=True)
class Columns:
    """The coefficients of all surveys in one row.

    Attributes:
        owner: survey of each coefficient, (M,).
        place: its place in the survey's design: 0 the constant, 1 to 3 the stellar slopes, then the others, (M,).
        level: the lowest level that has it, (M,).
    """

    owner: Integers
    place: Integers
    level: Integers

    @classmethod
    def of(cls, spaces: tuple[FeatureSpace, ...]) -> Columns:
        """Return the columns of surveys with these feature spaces."""
        counts = [1 + len(space.names) for space in spaces]
        place = np.concatenate([np.arange(count) for count in counts])
        level = np.where(place == 0, CONSTANT, np.where(place <= len(STELLAR), STELLAR_LEVEL, FULL))
        return cls(np.repeat(np.arange(len(spaces)), counts), place, level)

    def allowed(self, level: Integers) -> Booleans:
        """Return the columns in use where survey s has level[s], (M,)."""
        return np.asarray(self.level <= level[self.owner])


def first_guess(table: WeakTable) -> Expected:
    """Return what each star is expected to be by the scale, else by the mean of what weak surveys report."""
    counts = np.maximum(np.bincount(table.star, minlength=len(table.stars)), 1)
    sums = [np.bincount(table.star, column, minlength=len(table.stars)) for column in table.reported.T]
    return _expected(table, np.column_stack(sums) / counts[:, None], np.tile(FIRST_ERROR, (len(table.stars), 1)))


def best_estimate(table: WeakTable, systems: list[StarSystem], solutions: list[Solution]) -> Expected:
    """Return the same with the weak surveys' values corrected by the fit."""
    precision = np.column_stack([part.by_star @ fit.weight for part, fit in zip(systems, solutions, strict=True)])
    error = 1.0 / np.sqrt(np.maximum(precision, 1e-12))
    return _expected(table, np.column_stack([fit.offset for fit in solutions]), error)


def _expected(table: WeakTable, weak: Floats, weak_error: Floats) -> Expected:
    known = np.isfinite(table.reference)
    value, error = np.where(known, table.reference, weak), np.where(known, table.reference_error, weak_error)
    return expected_by_group(value, error, np.asarray(known.all(axis=1)))


def feature_spaces(table: WeakTable, stellar: Floats) -> tuple[FeatureSpace, ...]:
    """Return the feature space of each survey at the stars (m, 3) that it has in the table.

    Widths are at least `SMALLEST_WIDTH`: a slope is shrunk in proportion to the width, and stars of one cluster must
    not be taken for a lever.
    """
    spaces = []
    for s, names in enumerate(table.nuisance_names):
        space = feature_space(features_of(table, stellar, s), STELLAR + names)
        least = np.array([SMALLEST_WIDTH[name] for name in space.names])
        spaces.append(replace(space, width=np.maximum(space.width, least)))
    return tuple(spaces)


def features_of(table: WeakTable, stellar: Floats, s: int) -> Floats:
    """Return the features (n, k) of the rows of the survey in place `s`."""
    mine = table.survey == s
    return stack(stellar[table.star[mine]], table.nuisance[mine, : len(table.nuisance_names[s])])


def star_systems(
    table: WeakTable, stars: Expected, spaces: tuple[FeatureSpace, ...], columns: Columns, shrinkage: float
) -> list[StarSystem]:
    """Return the equations of Teff, log g and [Fe/H] with the columns of every level."""
    matrix = np.zeros((len(table.star), len(columns.owner)))
    for s, space in enumerate(spaces):
        rows = np.ix_(table.survey == s, columns.owner == s)
        matrix[rows] = design(space.standardize(features_of(table, stars.value, s)), 1)
    known = np.isfinite(table.reference)
    reference = np.where(known, stars.value, 0.0)
    precision = np.where(known, 1.0 / np.square(stars.error), 0.0)
    return [
        StarSystem(
            star=table.star,
            survey=table.survey,
            design=matrix,
            value=table.reported[:, p] - reference[table.star, p],
            quoted=table.quoted[:, p],
            known=precision[:, p],
            owner=columns.owner,
            shrinkage=np.where(columns.place == 0, 0.0, shrinkage),
            surveys=len(spaces),
        )
        for p in range(3)
    ]
