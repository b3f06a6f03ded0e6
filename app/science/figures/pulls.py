"""Median and width of the pulls of every subset of surveys on one page."""

from __future__ import annotations

from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.figures.style import INK, LABELS, RC, SERIES
from app.science.validation.pulls import Pulls


def draw_pulls(pulls: list[Pulls], *, note: str) -> Figure:
    """Draw median and width of the pulls of every subset of surveys, a panel a parameter; honest ones are 0 and 1.

    >>> one = Pulls("survey", "a", "feh", 100, 0.1, 0.1, 1.0, 0.07, 0.68)
    >>> len(draw_pulls([one], note="test stars").axes)
    1
    """
    parameters = [name for name in LABELS if any(part.parameter == name for part in pulls)]
    subsets = list(dict.fromkeys((part.kind, part.subset) for part in pulls))
    with rc_context(RC):
        figure = Figure(figsize=(9.0, 1.4 + 0.24 * len(subsets)), layout="constrained")
        axes = figure.subplots(1, len(parameters), squeeze=False, sharey=True)[0]
        for axis, parameter in zip(axes, parameters, strict=True):
            mine = [part for part in pulls if part.parameter == parameter]
            place = [subsets.index((part.kind, part.subset)) for part in mine]
            for level in (0.0, 1.0):
                axis.axvline(level, color=INK, lw=0.8)
            for name, marker, colour in (("median", "s", SERIES[1]), ("width", "o", SERIES[0])):
                values = [getattr(part, name) for part in mine]
                errors = [getattr(part, f"{name}_error") for part in mine]
                axis.errorbar(values, place, xerr=errors, fmt=marker, ms=4, color=colour, capsize=2, lw=1, label=name)
            axis.set_xlim(-1.5, 2.5)
            axis.set_title(LABELS[parameter].split(" (")[0], fontsize=9)
            axis.set_xlabel("pull (stated errors)")
            axis.grid(axis="y", color=INK, alpha=0.1)
        axes[0].set_yticks(range(len(subsets)), [_subset_name(*subset) for subset in subsets], fontsize=8)
        axes[0].set_ylim(len(subsets) - 0.5, -0.5)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(f"Pulls by subset of surveys: median 0 and width 1 for honest errors  ({note})", fontsize=10)
    return figure


def _subset_name(kind: str, subset: str) -> str:
    return f"stars with {subset} surveys" if kind == "number" else subset
