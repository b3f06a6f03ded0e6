"""The figures of the validation report, for the pairs and surveys that are worth one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.kept_figures import Figures, rendered
from app.pipeline.validation_parts import pair_pulls
from app.pipeline.validation_rows import TestStars
from app.science.figures.coverage import MOST_PAIRS, CoverageRow, draw_coverage
from app.science.figures.kiel import MOST_SURVEYS as MOST_DIAGRAMS
from app.science.figures.kiel import KielPanel, draw_kiel
from app.science.figures.offsets import Panel, draw_offsets
from app.science.figures.pulls import draw_pulls
from app.science.figures.trends import MOST_SURVEYS, TrendRow, draw_trends
from app.science.validation.coverage import judge_coverage
from app.science.validation.pairs import PairResult, SurveyValues, residuals_of
from app.science.validation.pulls import Pulls
from app.science.validation.red_clump import find_clump
from app.science.validation.stars import common

WORTH_A_FIGURE = 20
WORTH_A_PAGE = 40
MOST_OFFSETS = 7
NOTE = "test stars"
Pair = tuple[str, str]


def draw_all(
    test: TestStars,
    pairs: list[PairResult],
    pulls: list[Pulls],
    values: Mapping[str, Mapping[str, SurveyValues]],
) -> Figures:
    """Return all figures as PNG and SVG with their media types, by file name."""
    figures: Figures = {}
    for name, draw, *shown in _figures(test, pairs, pulls, values):
        figures |= rendered(name, draw, *shown, note=NOTE)
    return figures


def _figures(
    test: TestStars,
    pairs: list[PairResult],
    pulls: list[Pulls],
    values: Mapping[str, Mapping[str, SurveyValues]],
) -> Iterator[tuple[Any, ...]]:
    """Yield the name of each figure, the function that draws it, and what it shows."""
    for survey, other in pairs_worth_a_figure(pairs):
        panels = [
            Panel(parameter, *residuals_of(values[survey][parameter], values[other][parameter]))
            for parameter in map(str, PARAMETERS)
        ]
        panels = [panel for panel in panels if len(panel.reference) >= WORTH_A_FIGURE]
        yield f"offsets_{survey}_{other}", draw_offsets, survey, other, panels
    chosen = best_pairs(pairs)
    for p, parameter in enumerate(map(str, PARAMETERS)):
        rows = [_trend_row(test, pair, p) for pair in chosen[:MOST_SURVEYS]]
        if rows:
            yield f"trends_{parameter}", draw_trends, parameter, rows
    yield from _kiel_pages(test)
    rows_of_coverage = _coverage_rows(test, chosen[:MOST_PAIRS])
    if rows_of_coverage:
        yield "coverage", draw_coverage, rows_of_coverage
    if pulls:
        yield "pulls", draw_pulls, pulls


def pairs_worth_a_figure(pairs: list[PairResult]) -> list[Pair]:
    """Return the pairs with enough stars: each survey's largest first, then the largest of the others."""
    sizes = _sizes(pairs, WORTH_A_FIGURE)
    best = [pair for pair in best_pairs(pairs, fewest=WORTH_A_FIGURE) if pair in sizes]
    others = sorted((pair for pair in sizes if pair not in best), key=lambda pair: -sizes[pair])
    return (best + others)[:MOST_OFFSETS]


def best_pairs(pairs: list[PairResult], *, fewest: int = WORTH_A_PAGE) -> list[Pair]:
    """Return for each survey its pair with most stars, largest first, where it has enough."""
    sizes = _sizes(pairs, fewest)
    best: dict[str, Pair] = {}
    for pair in sorted(sizes, key=lambda pair: -sizes[pair]):
        best.setdefault(pair[0], pair)
    return sorted(best.values(), key=lambda pair: -sizes[pair])


def _sizes(pairs: list[PairResult], fewest: int) -> dict[Pair, int]:
    sizes: dict[Pair, int] = {}
    for result in pairs:
        pair = (result.survey, result.other)
        sizes[pair] = min(result.after.n, sizes.get(pair, result.after.n))
    return {pair: n for pair, n in sizes.items() if n >= fewest}


def _trend_row(test: TestStars, pair: Pair, p: int) -> TrendRow:
    a, b = common(test.means[pair[0]], test.means[pair[1]])
    before, after = a.raw[:, p] - b.raw[:, p], a.value[:, p] - b.value[:, p]
    good = np.isfinite(before) & np.isfinite(after) & np.isfinite(b.value).all(axis=1)
    return TrendRow(pair[0], pair[1], b.value[good], before[good], after[good])


def _kiel_pages(test: TestStars) -> Iterator[tuple[Any, ...]]:
    rng = np.random.default_rng(test.plan.seed)
    panels = []
    for name in test.kiel_after:
        before, after = test.kiel_before[name], test.kiel_after[name]
        good = np.isfinite(before + after).all(axis=1)
        if good.sum() < WORTH_A_FIGURE:
            continue
        before, after = before[good, :2], after[good, :2]
        clumps = [find_clump(part[:, 0], part[:, 1], rng=rng) for part in (before, after)]
        positions = [None if clump is None else clump.logg.position for clump in clumps]
        panels.append(KielPanel(name, before, after, *positions))
    for page, first in enumerate(range(0, len(panels), MOST_DIAGRAMS), start=1):
        shown = panels[first : first + MOST_DIAGRAMS]
        yield f"kiel_{page}", draw_kiel, shown, panels[0].after, panels[0].survey


def _coverage_rows(test: TestStars, chosen: list[Pair]) -> list[CoverageRow]:
    rng = np.random.default_rng(test.plan.seed)
    rows: list[Any] = []
    for survey, other, parameter, pulls, features in pair_pulls(test):
        if (survey, other) in chosen:
            bins = judge_coverage(pulls, features, rng=rng).bins
            rows.append(CoverageRow(parameter, f"{survey} - {other}", bins, pulls))
    return rows
