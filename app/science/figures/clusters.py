"""Figures of clusters: [Fe/H] by survey against the literature, before and after; one cluster by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from app.science.figures.style import AFTER, BEFORE, FAINT, INK, LABELS, RC
from app.science.validation.clusters import FEH, FEWEST_STARS, TEFF, ClusterResult, ClusterSurvey
from app.science.validation.seen import Seen

MARKERS = "os^Dv<>Phd*X"


def draw_clusters(
    results: list[ClusterResult], labels: Mapping[str, str], *, without: str, widest: float = np.inf
) -> Figure | None:
    """Draw [Fe/H] of each survey in each cluster, one row a cluster: before on the left, after on the right.

    Args:
        results: the clusters; rows are in the order of their [Fe/H].
        labels: how people call them.
        without: the name of what is no survey.
        widest: scatter above which a survey's stars are not drawn.

    Returns:
        None where no survey has enough stars in any cluster.
    """
    drawn = {
        result.cluster: [one for one in result.surveys if _counts(one, widest) and one.survey != without]
        for result in results
    }
    rows = [result for result in results if drawn[result.cluster]]
    rows.sort(key=lambda result: float(np.median([one.after.median for one in drawn[result.cluster]])))
    surveys = sorted({one.survey for result in rows for one in drawn[result.cluster]})
    if not rows:
        return None
    with rc_context(RC):
        figure = Figure(figsize=(8.0, 1.6 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, side, colour in zip(axes, ("before", "after"), (BEFORE, AFTER), strict=True):
            for row, result in enumerate(rows):
                _literature(axis, row, result)
                for one in drawn[result.cluster]:
                    k = surveys.index(one.survey)
                    _point(axis, one, side, colour, row + 0.5 * _shift(k, len(surveys)), MARKERS[k])
            axis.set_title(side, loc="left", color=colour)
            axis.set_xlabel(LABELS["feh"])
        axes[0].set_yticks(range(len(rows)), [labels[result.cluster] for result in rows])
        axes[0].set_ylim(-0.6, len(rows) - 0.4)
        handles = [axes[0].plot([], [], MARKERS[k], color=INK, ms=5, label=name)[0] for k, name in enumerate(surveys)]
        handles.append(axes[0].plot([], [], "-", color=FAINT, lw=5, label="literature")[0])
        figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _counts(survey: ClusterSurvey, widest: float) -> bool:
    return survey.after.n >= FEWEST_STARS and survey.after.scatter <= widest


def _shift(k: int, n: int) -> float:
    return 0.0 if n == 1 else k / (n - 1) - 0.5


def _point(axis: Any, survey: ClusterSurvey, side: str, colour: str, place: float, marker: str) -> None:
    residuals, error = getattr(survey, side), survey.median_error[side == "after"]
    axis.errorbar(residuals.median, place, xerr=error, fmt=marker, color=colour, ms=4.5, lw=1.0, mew=0)


def _literature(axis: Any, row: int, result: ClusterResult) -> None:
    if not np.isfinite(result.literature):
        return
    error = result.literature_error
    if np.isfinite(error):
        axis.fill_betweenx(
            [row - 0.35, row + 0.35],
            result.literature - error,
            result.literature + error,
            color=FAINT,
            alpha=0.35,
            lw=0,
        )
    axis.plot([result.literature] * 2, [row - 0.35, row + 0.35], color=FAINT, lw=1.6)


def draw_surveys(label: str, result: ClusterResult) -> Figure:
    """Draw the surveys' medians of one cluster with their errors, before above after, and the literature."""
    judged = [survey for survey in result.surveys if survey.after.n >= FEWEST_STARS]
    with rc_context(RC):
        figure = Figure(figsize=(6.0, 1.4 + 0.5 * len(judged)), layout="constrained")
        axis = figure.subplots()
        for row, survey in enumerate(reversed(judged)):
            for side, colour, up in (("before", BEFORE, 0.14), ("after", AFTER, -0.14)):
                residuals, error = getattr(survey, side), survey.median_error[side == "after"]
                axis.errorbar(residuals.median, row + up, xerr=residuals.scatter, fmt="none", color=colour, lw=0.8)
                axis.errorbar(residuals.median, row + up, xerr=error, fmt="o", color=colour, ms=5, lw=2.6)
        if np.isfinite(result.literature):
            error = np.nan_to_num(result.literature_error)
            axis.axvspan(result.literature - error, result.literature + error, color=FAINT, alpha=0.25, lw=0)
            axis.axvline(result.literature, color=FAINT, lw=1.2)
        labels = [f"{survey.survey} ({survey.after.n})" for survey in reversed(judged)]
        axis.set_yticks(range(len(judged)), labels)
        axis.set_xlabel(f"{LABELS['feh']}   (thick: error of the median, thin: scatter of stars)")
        axis.plot([], [], "o", color=BEFORE, label="before")
        axis.plot([], [], "o", color=AFTER, label="after")
        axis.legend(frameon=False, fontsize=8)
        axis.set_title(f"{label}: grey is the literature", loc="left", fontsize=9)
    return figure


def draw_along(label: str, members: Mapping[str, Seen], *, literature: float) -> Figure:
    """Draw [Fe/H] against calibrated Teff along a cluster, one panel a survey, before and after."""
    columns = min(4 if len(members) > 6 else 3, len(members))
    rows = -(-len(members) // columns)
    with rc_context(RC):
        figure = Figure(figsize=(2.5 * columns, 0.5 + 2.1 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axis, (name, seen) in zip(axes, members.items(), strict=False):
            for column, colour, side in ((seen.raw, BEFORE, "before"), (seen.value, AFTER, "after")):
                axis.plot(seen.value[:, TEFF], column[:, FEH], ".", color=colour, ms=4.5, alpha=0.6, mew=0, label=side)
            if np.isfinite(literature):
                axis.axhline(literature, color=FAINT, lw=1.2)
            axis.set_title(f"{name} ({len(seen.star)})", loc="left", fontsize=8)
        for axis in axes[len(members) :]:
            axis.set_visible(False)
        values = np.concatenate([seen.value[:, FEH] for seen in members.values()])
        low, high = np.nanquantile(values, [0.02, 0.98])
        axes[0].set_ylim(low - 0.3, high + 0.3)
        axes[0].invert_xaxis()
        axes[0].legend(frameon=False, fontsize=7)
        figure.supxlabel(LABELS["teff"], fontsize=9)
        figure.supylabel(LABELS["feh"], fontsize=9)
        figure.suptitle(f"Along {label}; grey is the literature", fontsize=9)
    return figure
