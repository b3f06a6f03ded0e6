"""What a network of weak links says: coefficients of every survey, their covariance, and corrections at any star."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.calibration.features import FeatureSpace
from app.science.calibration.low_order import design
from app.science.calibration.network_design import features_of
from app.science.calibration.network_gls import Solution, StarSystem
from app.science.calibration.network_table import WeakTable


@dataclass(frozen=True)
class Linear:
    """Coefficients of all surveys in one parameter.

    Attributes:
        owner: survey of each coefficient, (M,).
        place: its place in the survey's full design, (M,).
        theta: the coefficients, (M,).
        covariance: of them, with what stars have in common (population, the scale's own zero points), (M, M).
        typical: the mean design of each survey's stars, (S, M).
    """

    owner: Integers
    place: Integers
    theta: Floats
    covariance: Floats
    typical: Floats

    def at(self, s: int, rows: Floats) -> tuple[Floats, Floats]:
        """Return bias and its variance (n,) of survey `s` at rows (n, 1 + k) of its full design."""
        mine = self.owner == s
        used = rows[:, self.place[mine]]
        covariance = self.covariance[np.ix_(mine, mine)]
        return used @ self.theta[mine], np.einsum("ij,jk,ik->i", used, covariance, used)


@dataclass(frozen=True)
class ParameterFit:
    """One parameter of all weak surveys.

    A survey whose links do not show a slope has a constant; that there may be one all the same is the link model's
    share of its error: the variance of the richest fit, and the square of how far the two lie apart.

    Attributes:
        system: the observations with the columns in use.
        solution: coefficients, their covariance and the error sizes.
        used: the coefficients in use.
        richest: those of a fit in which every survey has all slopes that its number of links can carry.
        leans: part of each strong survey's zero point error that the survey's values inherit, (S, J).
        level: how far each survey's bias may bend, (S,).
        loss: held-out loss of each level, (levels, S).
        residual: of each row, its star left out, (n,).
        residual_error: its stated standard error, (n,).
    """

    system: StarSystem
    solution: Solution
    used: Linear
    richest: Linear
    leans: Floats
    level: Integers
    loss: Floats
    residual: Floats
    residual_error: Floats

    @property
    def zero_points(self) -> Floats:
        """The covariance of the surveys' mean corrections, (S, S)."""
        used, rich = self.used, self.richest
        apart = rich.typical @ rich.theta - used.typical @ used.theta
        return np.asarray(rich.typical @ rich.covariance @ rich.typical.T + np.diag(np.square(apart)))

    @property
    def effective_links(self) -> Floats:
        """How many stars of known value would fix the zero point as well as all links do, (S,)."""
        counts = np.bincount(self.system.survey, minlength=self.system.surveys)
        spread = np.bincount(self.system.survey, self.solution.variance, minlength=self.system.surveys) / counts
        return np.asarray(spread / np.diag(self.used.typical @ self.solution.covariance @ self.used.typical.T))


@dataclass(frozen=True)
class NetworkFit:
    """The biases of all weak surveys with their covariance.

    Attributes:
        table: the rows that were fitted.
        spaces: feature space of each survey, (S,).
        stellar: best estimate of Teff, log g, [Fe/H] of each star, (m, 3).
        parameters: the fits of Teff, log g and [Fe/H].
        refused: surveys that were left out, with the reason.
    """

    table: WeakTable
    spaces: tuple[FeatureSpace, ...]
    stellar: Floats
    parameters: tuple[ParameterFit, ...]
    refused: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The surveys that were fitted."""
        return self.table.names

    @property
    def zero_points(self) -> Floats:
        """Covariance of the surveys' mean corrections in each parameter, (3, S, S)."""
        return np.array([fit.zero_points for fit in self.parameters])

    def coefficients(self, name: str, parameter: int) -> Floats:
        """Return a survey's constant and slopes, zero where one is not in use, (1 + k,)."""
        s, fit = self.names.index(name), self.parameters[parameter]
        mine = fit.used.owner == s
        full = np.zeros(1 + len(self.spaces[s].names))
        full[fit.used.place[mine]] = fit.used.theta[mine]
        return full

    def bias(self, name: str, features: Floats) -> tuple[Floats, Floats]:
        """Return bias and its variance in the three parameters, (n, 3) each, at features (n, k) of a survey."""
        s = self.names.index(name)
        rows = design(self.spaces[s].standardize(features), 1)
        value, variance = np.empty((len(rows), 3)), np.empty((len(rows), 3))
        for p, fit in enumerate(self.parameters):
            value[:, p], _ = fit.used.at(s, rows)
            rich, variance[:, p] = fit.richest.at(s, rows)
            variance[:, p] += np.square(rich - value[:, p])
        return value, variance

    def features_of(self, s: int) -> Floats:
        """Return the features (n, k) of the rows of the survey in place `s`."""
        return features_of(self.table, self.stellar, s)
