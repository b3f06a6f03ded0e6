"""Figure of the benchmark stars: residuals of each survey in each parameter, star by star, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.figures.style import AFTER, BEFORE, DIFFERENCES, INK, RC

PARAMETERS = ("teff", "logg", "feh")


def draw_benchmarks(results: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw survey - benchmark for each star, a panel a parameter and a row a survey.

    Args:
        results: by survey and parameter, mappings of BenchmarkResult.
    """
    surveys = list(results)
    with rc_context(RC):
        figure = Figure(figsize=(8.0, 1.3 + 0.5 * len(surveys)), layout="constrained")
        axes = figure.subplots(1, 3, sharey=True)
        for axis, parameter in zip(axes, PARAMETERS, strict=True):
            for row, survey in enumerate(reversed(surveys)):
                if parameter in results[survey]:
                    _stars(axis, row, results[survey][parameter]["stars"])
            axis.axvline(0.0, color=INK, lw=0.8)
            axis.set_xlabel(DIFFERENCES[parameter])
            axis.set_ylim(-0.6, len(surveys) - 0.4)
        axes[0].set_yticks(range(len(surveys)), reversed(surveys))
        axes[0].plot([], [], "o", mfc="none", color=BEFORE, label="before")
        axes[0].plot([], [], "o", color=AFTER, label="after")
        figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return figure


def _stars(axis: Any, row: int, stars: list[dict[str, Any]]) -> None:
    truth, before, after, mine, theirs = (
        np.array([star[name] for star in stars], dtype=np.float64)
        for name in ("truth", "before", "after", "error", "truth_error")
    )
    places = row + np.linspace(-0.2, 0.2, len(stars)) if len(stars) > 1 else np.array([float(row)])
    axis.plot(before - truth, places, "o", mfc="none", color=BEFORE, ms=6)
    axis.errorbar(after - truth, places, xerr=np.hypot(mine, theirs), fmt="o", color=AFTER, ms=3.5, lw=1.0)
