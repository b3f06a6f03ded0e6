"""The validation report as tables for a person: pairs, trends, coverage, pulls, Kiel diagrams and the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Rows = list[dict[str, str]]
Part = Mapping[str, Any]

SIGNIFICANT = 3.0
"""Trends further than this many sigma from what no bias gives carry a star."""


def sections(report: Part, survey: str | None = None) -> Iterator[tuple[str, Rows]]:
    """Yield title and rows of every section that has something to say, only pairs with `survey` where one is named."""
    parts = {
        "pairs: survey minus other before and after; bins of the other's value with 2 sigma": _pairs(report, survey),
        "trends after (slope per 1000 K, dex, dex of S/N, mag; * where 3 sigma from no bias)": _trends(report, survey),
        "coverage of differences by stated 68 % intervals": _coverage(report, survey),
        "pulls: median 0 and width 1 for honest errors": _pulls(report, survey),
        "external: survey minus literature, scatter (for clusters: of their offsets)": list(_external(report, survey)),
        "red clump by [Fe/H]": _clumps(report, survey),
        "distance of Kiel diagrams on common stars (energy distance; null: 95 % of exchanges)": _kiel(report, survey),
    }
    yield from ((title, rows) for title, rows in parts.items() if rows)


def remarks(report: Part) -> Iterator[str]:
    """Yield the verdict of the gate and what is circular, a line each."""
    gate = report.get("gate")
    if gate and gate["limits"]:
        yield "gate: passed" if gate["passed"] else "gate: FAILED"
        yield from (f"  {failure['text']}" for failure in gate["failures"])
    elif gate:
        yield "gate: the plan sets none"
    for name, section in report.get("external", {}).items():
        if section["state"] != "compared":
            yield f"external: {name}: {section['state']}"
    for statement in report.get("circular", ()):
        yield f"circular: {statement['check']}: {statement['why']}"


def _concerns(part: Part, survey: str | None) -> bool:
    return survey is None or survey in {part.get("survey"), part.get("other")}


def _pairs(report: Part, survey: str | None) -> Rows:
    return [_pair_row(pair) for pair in report["pairs"] if _concerns(pair, survey)]


def _pair_row(pair: Part) -> dict[str, str]:
    digits = _digits(pair)
    before, after = pair["before"], pair["after"]
    bins = (f"{number(part['median'], digits)}({number(part['error'], digits, 2)})" for part in pair["bins_after"])
    return _named(pair) | {
        "stars": str(after["n"]),
        "median before": number(before["median"], digits),
        "scatter before": number(before["scatter"], digits),
        "median after": f"{number(after['median'], digits)} ± {number(after['median_error'], digits)}",
        "scatter after": f"{number(after['scatter'], digits)} ± {number(after['scatter_error'], digits)}",
        "pull": number(pair["pull_width"], 2),
        "inside": f"{pair['inside']:.0%}",
        "bins after (2 sigma)": " ".join(bins),
    }


def _trends(report: Part, survey: str | None) -> Rows:
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for trend in report.get("trends", ()):
        if trend["abscissa"] not in {"mean", "own"} or not _concerns(trend, survey):
            continue
        row = rows.setdefault(
            (trend["survey"], trend["other"], trend["parameter"]),
            _named(trend)
            | {"stars": str(trend["n"])}
            | dict.fromkeys(("with teff", "with logg", "with feh", "with log_snr", "with magnitude"), ""),
        )
        row[f"with {trend['against']}"] = _slope(trend)
    return list(rows.values())


def _slope(trend: Part) -> str:
    digits, after = _digits(trend), trend["after"]
    slope, error = after["slope"], after["error"]
    known = slope is not None and error
    mark = "*" if known and abs(slope - trend["null_slope"]) > SIGNIFICANT * error else ""
    return f"{number(slope, digits)}({number(error, digits)}){mark}"


def _coverage(report: Part, survey: str | None) -> Rows:
    return [_coverage_row(part) for part in report.get("coverage", ()) if _concerns(part, survey)]


def _coverage_row(part: Part) -> dict[str, str]:
    cells = part["cells"] or part["bins"]
    worst = min(cells, key=lambda cell: cell["coverage"]["covered"], default=None)
    slab = part["worst_slab"]
    return _named(part) | {
        "stars": str(part["overall"]["n"]),
        "covered": _share(part["overall"]),
        "least of cells": "" if worst is None else _share(worst["coverage"]),
        "which": "" if worst is None else " ".join(f"{name} {_range(b)}" for name, b in worst["bounds"].items()),
        "worst slab": "" if slab is None else _share(slab),
    }


def _pulls(report: Part, survey: str | None) -> Rows:
    return [
        {
            "of": part["subset"] if part["kind"] != "number" else f"{part['subset']} surveys",
            "quantity": part["parameter"],
            "stars": str(part["n"]),
            "median": f"{number(part['median'], 2)} ± {number(part['median_error'], 2)}",
            "width": f"{number(part['width'], 2)} ± {number(part['width_error'], 2)}",
            "covered": number(part["covered"], 3),
        }
        for part in report.get("pulls", ())
        if survey is None or part["kind"] == "number" or survey in part["subset"].split(" - ")
    ]


def _clumps(report: Part, survey: str | None) -> Rows:
    return [
        {"survey": name, "[Fe/H]": _range(part["feh"]), "when": when, "stars": str(part["clump"]["logg"]["n"])}
        | _peak("log g", part["clump"]["logg"], 3)
        | _peak("Teff", part["clump"]["teff"], 0)
        for name, both in report.get("kiel", {}).get("surveys", {}).items()
        if survey is None or survey == name
        for when in ("before", "after")
        for part in both[when]
        if part["clump"]
    ]


def _peak(name: str, peak: Part, digits: int) -> dict[str, str]:
    return {
        name: f"{number(peak['position'], digits)} ± {number(peak['position_error'], digits)}",
        f"{name} width": f"{number(peak['width'], digits)} ± {number(peak['width_error'], digits)}",
    }


def _kiel(report: Part, survey: str | None) -> Rows:
    return [
        {
            "pair": f"{part['survey']} - {part['other']}",
            "[Fe/H]": _range(part["feh"]),
            "stars": str(part["after"]["n"]),
            "before": number(part["before"]["distance"], 3),
            "after": number(part["after"]["distance"], 3),
            "null": number(part["after"]["null_upper"], 3),
            "noise alone": number(part["after"]["noise"], 3),
            "p": number(part["after"]["p_value"], 3),
        }
        for part in report.get("kiel", {}).get("distances", ())
        if _concerns(part, survey)
    ]


def _external(report: Part, survey: str | None) -> Iterator[dict[str, str]]:
    external = report.get("external", {})
    for section in ("benchmark_stars", "seismology"):
        for name, found in external.get(section, {}).get("surveys", {}).items():
            parts = {"logg": found} if "after" in found else found
            for parameter, part in parts.items():
                if survey in {None, name}:
                    yield _external_row(section, name, parameter, part)
    for section in ("open_clusters", "globular_clusters"):
        for name, part in external.get(section, {}).get("offsets_by_survey", {}).items():
            if survey in {None, name}:
                yield {
                    "reference": section,
                    "survey": name,
                    "quantity": "feh",
                    "n": str(part["clusters"]),
                    "before": number(part["mean_before"], 3),
                    "after": number(part["mean_after"], 3),
                    "scatter before": number(part["spread_before"], 3),
                    "scatter after": number(part["spread_after"], 3),
                }


def _external_row(section: str, name: str, parameter: str, part: Part) -> dict[str, str]:
    digits = 1 if parameter == "teff" else 3
    before, after = part["before"], part["after"]
    return {
        "reference": section,
        "survey": name,
        "quantity": parameter,
        "n": str(after["n"]),
        "before": number(before["median"], digits),
        "after": f"{number(after['median'], digits)} ± {number(after['median_error'], digits)}",
        "scatter before": number(before["scatter"], digits),
        "scatter after": number(after["scatter"], digits),
    }


def _named(part: Part) -> dict[str, str]:
    return {"pair": f"{part['survey']} - {part['other']}", "quantity": part["parameter"]}


def _digits(part: Part) -> int:
    return 1 if part["parameter"] == "teff" else 3


def _share(part: Part) -> str:
    return f"{number(part['covered'], 3)} ± {number(part['error'], 3)} ({part['n']})"


def _range(bounds: Any) -> str:
    lowest, highest = bounds
    if lowest is None:
        return f"<{highest:g}"
    return f">{lowest:g}" if highest is None else f"{lowest:g}..{highest:g}"


def number(value: float | None, digits: int, times: float = 1.0) -> str:
    """Return a number with so many digits after the point, `?` where it is not known.

    >>> number(0.12345, 3), number(None, 1)
    ('0.123', '?')
    """
    return "?" if value is None else f"{times * value:.{digits}f}"
