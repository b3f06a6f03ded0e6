"""Figures say what they show: surveys, units, numbers of stars; they draw what they are given, and the same twice."""

import numpy as np
import pytest
from matplotlib.text import Text

from app.science.figures.coverage import CoverageRow, draw_coverage
from app.science.figures.kiel import KielPanel, draw_kiel
from app.science.figures.offsets import Panel, draw_offsets
from app.science.figures.pulls import draw_pulls
from app.science.figures.running import running_quantiles
from app.science.figures.style import render
from app.science.figures.trends import TrendRow, draw_trends
from app.science.validation.coverage import judge_coverage
from app.science.validation.pulls import Pulls

N = 700


def stars(seed=1):
    return np.random.default_rng(seed).normal([4900, 2.6, -0.2], [400, 0.6, 0.3], (N, 3))


def offsets(n=N):
    values, rng = stars()[:n], np.random.default_rng(2)
    residuals = {"teff": 60.0, "logg": 0.1, "feh": 0.05}
    panels = [
        Panel(name, values[:, p], size * (2 + rng.normal(size=n)), size * rng.normal(size=n))
        for p, (name, size) in enumerate(residuals.items())
    ]
    return draw_offsets("survey_x", "survey_y", panels, note="test stars")


def trends(rows=2):
    values, rng = stars(), np.random.default_rng(3)
    parts = [
        TrendRow(f"survey_{k}", "survey_y", values, 0.2 + 0.1 * rng.normal(size=N), 0.1 * rng.normal(size=N))
        for k in range(rows)
    ]
    return draw_trends("logg", parts, note="test stars")


def kiel(panels=2):
    values = stars()[:, :2]
    parts = [KielPanel(f"survey_{k}", values + np.array([0, 0.3]), values, 2.75, 2.45) for k in range(panels)]
    return draw_kiel(parts, values, "survey_0", note="test stars")


def coverage():
    rng = np.random.default_rng(4)
    features = np.column_stack([stars(), rng.uniform(10, 150, N)])
    rows = []
    for parameter in ("teff", "logg", "feh"):
        pulls = rng.normal(size=N)
        rows.append(CoverageRow(parameter, "survey_x - survey_y", judge_coverage(pulls, features, rng=rng).bins, pulls))
    return draw_coverage(rows, note="test stars")


def pulls():
    parts = [Pulls("pair", "survey_x - survey_y", name, N, 0.1, 0.04, 1.2, 0.03, 0.6) for name in ("teff", "feh")]
    return draw_pulls([*parts, Pulls("number", "3", "feh", 99, 0.0, 0.1, 1.0, 0.1, 0.7)], note="test stars")


def words(figure):
    """Return all text of a figure."""
    return " ".join(part.get_text() for part in figure.findobj(Text))


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (offsets, ["survey_x - survey_y", "n = 700", "(K)", "(dex)", "before: median +", "after: median"]),
        (trends, ["survey_0 - survey_y, before: median +0.2", "survey_1 - survey_y, after", "n = 700", "(dex)"]),
        (kiel, ["survey_1, before", "n = 700", "contours: 50 and 90 % of survey_0", "(K)", "(dex)"]),
        (coverage, ["survey_x - survey_y (n = 700)", "unit Gaussian", "S/N", "share inside 68 %"]),
        (pulls, ["survey_x - survey_y", "stars with 3 surveys", "median", "width"]),
    ],
)
def test_a_figure_names_what_it_shows(figure, expected):
    text = words(figure())
    for phrase in expected:
        assert phrase in text
    assert "test stars" in text


@pytest.mark.parametrize("figure", [kiel, coverage])
def test_the_same_figure_gives_the_same_bytes(figure):
    first, second = render(figure()), render(figure())
    assert first == second
    assert first["png"].startswith(b"\x89PNG")
    assert b"unit Gaussian" in first["svg"] or b"contours: 50 and 90" in first["svg"]  # text stays text


def test_a_page_holds_three_surveys_and_four_diagrams():
    assert len(trends(5).axes) == 6 * 4
    assert len(kiel(6).axes) == 2 * 4


def test_the_running_median_is_that_of_the_residuals():
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 1, 6000)
    centres, quantiles = running_quantiles(x, 0.5 * x + 0.1 * rng.normal(size=6000))
    error = 1.25 * 0.1 / np.sqrt(6000 / 15)
    assert np.abs(quantiles[:, 1] - 0.5 * centres).max() < 4 * error
    assert 0.5 * (quantiles[:, 2] - quantiles[:, 0]) == pytest.approx(0.1, rel=0.2)


def test_both_columns_and_the_histogram_share_their_axes():
    axes = offsets().axes
    assert len({axis.get_ylim() for axis in (axes[0], axes[2], axes[4])}) == 1
    assert axes[0].get_xlim() == axes[2].get_xlim()


def test_few_stars_are_drawn_without_a_line():
    assert len(render(offsets(12))["png"]) > 1000


def test_a_star_without_a_value_is_left_out():
    values, residual = stars(), np.zeros(N)
    values[:5, 0] = np.nan
    residual[7] = np.nan
    row = TrendRow("a", "b", values[8:], residual[8:], residual[8:])
    assert render(draw_trends("feh", [row], note="test stars"))["png"]
