"""What a calibration corrects where there is nothing to correct: the simulated sky without biases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Floats, Integers
from app.science.robust import scatter
from app.science.validation.lines import robust_line
from app.science.validation.true_cells import MEDIAN_TO_MEAN, cell_medians, cell_name

UNITS = {"teff": 1000.0, "logg": 1.0, "feh": 1.0}
"""Slopes with Teff are per 1000 K."""


@dataclass(frozen=True)
class Slope:
    """Slope of the correction with a true parameter, and the standard error that the training stars' noise gives it."""

    slope: float
    error: float


@dataclass(frozen=True)
class Corrections:
    """Calibrated minus reported values of one survey and parameter.

    Attributes:
        n: values.
        median: their median.
        median_error: what the noise of the training stars gives it, 1.2533 x scatter / sqrt(links).
        links: training stars of the survey.
        cells: populated cells of the true parameters.
        worst: the median correction farthest from zero of a cell.
        worst_cell: its bounds.
        slopes: by true parameter, Teff per 1000 K.
    """

    n: int
    median: float
    median_error: float
    links: int
    cells: int
    worst: float
    worst_cell: str
    slopes: dict[str, Slope]


def judge_corrections(
    correction: Floats, truth: Floats, cells: Integers, noise: Floats, noise_truth: Floats, *, fewest: int
) -> Corrections:
    """Judge corrections of a survey without bias.

    Corrections are smooth in the star's parameters, so the scatter about their own line says nothing of how far chance
    can tilt it. What can is the noise that the fit saw: the error of a slope is that of a line through the training
    stars' reported - true (Huber's sandwich). The noise of the scale that they were linked to comes on top and is left
    out, which makes the test a little too strict.

    Args:
        correction: calibrated - reported, (n,).
        truth: true Teff (K), log g, [Fe/H] of the same stars, (n, 3).
        cells: their cells, (n,).
        noise: reported - true of the training stars, (m,).
        noise_truth: true parameters of these, (m, 3).
        fewest: stars from which on a cell counts.

    >>> rng = np.random.default_rng(1)
    >>> truth = np.column_stack([rng.uniform(4000, 6000, 900), rng.uniform(1, 4, 900), rng.uniform(-1, 0, 900)])
    >>> tilted = judge_corrections(
    ...     0.01 * truth[:, 0], truth, np.zeros(900, dtype=int), rng.normal(0, 50, 900), truth, fewest=100
    ... )
    >>> round(tilted.slopes["teff"].slope, 3), 2 < tilted.slopes["teff"].error < 4
    (10.0, True)
    """
    found = cell_medians(correction, cells, fewest=fewest)
    worst = int(np.abs(found.median).argmax()) if len(found.median) else None
    return Corrections(
        n=len(correction),
        median=float(np.median(correction)),
        median_error=MEDIAN_TO_MEAN * scatter(noise) / float(np.sqrt(max(len(noise), 1))),
        links=len(noise),
        cells=len(found.cell),
        worst=float("nan") if worst is None else float(found.median[worst]),
        worst_cell="" if worst is None else cell_name(int(found.cell[worst])),
        slopes={
            name: Slope(
                robust_line(truth[:, q] / unit, correction).slope, robust_line(noise_truth[:, q] / unit, noise).error
            )
            for q, (name, unit) in enumerate(UNITS.items())
        },
    )
