"""A version beside the truth of a simulated sky as tables for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.cli.validation import number

Rows = list[dict[str, str]]
Part = Mapping[str, Any]

SIGNIFICANT = 3.0
"""Slopes of corrections further than this many sigma from zero carry a star."""


def sections(report: Part, survey: str | None = None) -> Iterator[tuple[str, Rows]]:
    """Yield title and rows of every section; only one survey's, and combined values, where it is named."""

    def concerned(section: str, show: Any) -> Rows:
        parts = report[section]
        return [show(p) for p in parts if survey in {None, p.get("survey", p.get("of"))} or p.get("kind") == "combined"]

    parts = {
        "bias: value minus truth of stars that no fit has seen; cells of the truth": concerned("bias", _bias),
        "coverage of the truth by 68 % intervals, pulls; cells with 500 stars or more": concerned("coverage", _covered),
        "scatter about the truth: one survey against the combined value, same stars": concerned("gain", _gain),
        "domain: flagged among stars truly inside, and beyond 1 to 1.5 times the limit": concerned("domain", _domain),
        "zero points: mean value minus truth in units of its stated error": concerned("zero_points", _zero_point),
    }
    if report["null_sky"]:
        title = "corrections on a sky without biases (slopes per 1000 K, dex, dex; * beyond 3 sigma)"
        parts[title] = concerned("corrections", _correction)
    yield from ((title, rows) for title, rows in parts.items() if rows)


def summary(report: Part) -> str:
    """Return in a line what was judged."""
    return (
        f"{report['measurements']:,} measurements beside their truth, {report['without_truth']:,} without; "
        f"{report['stars']:,} stars, {report['mixed_stars']:,} of them mixed; bias and coverage: {report['unseen']}"
    )


def _bias(part: Part) -> dict[str, str]:
    digits = _digits(part)
    return _named(part) | {
        "n": str(part["n"]),
        "before": _of(part["before"], digits),
        "after": _of(part["after"], digits),
        "scatter before": _of(part["scatter_before"], digits),
        "scatter after": _of(part["scatter_after"], digits),
        "cells": str(part["cells"]),
        "|bias| before": _of(part["cell_before"], digits),
        "|bias| after": _of(part["cell_after"], digits),
        "worst beyond 2 sigma": _of(part["worst"], digits),
        "worst": f"{_of(part['worst_median'], digits)} ± {_of(part['worst_error'], digits)} ({part['worst_n']})",
        "where": part["worst_cell"],
        "beyond limit": str(part["beyond"]),
    }


def _covered(part: Part) -> dict[str, str]:
    return _named(part) | {
        "n": str(part["n"]),
        "covered": f"{_of(part['covered'], 3)} ± {_of(part['error'], 3)}",
        "pull median": _of(part["pull_median"], 2),
        "pull width": _of(part["pull_width"], 2),
        "half width": _of(part["half_width"], _digits(part)),
        "cells": str(part["cells"]),
        "least": _of(part["lowest"], 3),
        "most": _of(part["highest"], 3),
        "outside 68±5 %": str(part["outside"]),
        "least where": part["lowest_cell"],
    }


def _gain(part: Part) -> dict[str, str]:
    digits = _digits(part)
    whose = f"best of {part['of']}" if part["kind"] == "best" else part["of"]
    return {
        "one": whose,
        "quantity": part["parameter"],
        "stars": part["stars"],
        "n": str(part["n"]),
        "scatter of one": _of(part["single"], digits),
        "of combined": _of(part["combined"], digits),
        "ratio": _of(part["combined"] / part["single"], 2),
    }


def _domain(part: Part) -> dict[str, str]:
    caught = zip(part["caught"], part["beyond"], strict=True)
    return {
        "survey": part["survey"],
        "stars": part["stars"],
        "truly inside": str(part["inside"]),
        "flagged": _of(part["flagged_inside"], 3),
    } | {
        f"caught beyond {factor}": f"{_of(share, 3)} ({n})"
        for factor, (share, n) in zip(("1", "1.2", "1.5"), caught, strict=True)
    }


def _zero_point(part: Part) -> dict[str, str]:
    digits = _digits(part)
    return _named(part) | {
        "fitted": part["fitted"],
        "n": str(part["n"]),
        "mean": f"{_of(part['mean'], digits)} ± {_of(part['error'], digits)}",
        "median": _of(part["median"], digits),
        "stated error": _of(part["stated"], digits),
        "mean / stated": _of(part["sigmas"], 2),
    }


def _correction(part: Part) -> dict[str, str]:
    digits = _digits(part)
    row = _named(part) | {
        "n": str(part["n"]),
        "links": str(part["links"]),
        "median": f"{_of(part['median'], digits)} ± {_of(part['median_error'], digits)}",
        "cells": str(part["cells"]),
        "worst cell": _of(part["worst"], digits),
    }
    for name, line in part["slopes"].items():
        far = abs(line["slope"]) > SIGNIFICANT * line["error"]
        row[f"with {name}"] = f"{_of(line['slope'], digits)} ± {_of(line['error'], digits)}" + ("*" if far else "")
    return row | {"where": part["worst_cell"]}


def _named(part: Part) -> dict[str, str]:
    return {"of": part.get("survey", part.get("of", "")), "quantity": part["parameter"], "stars": part["stars"]}


def _digits(part: Part) -> int:
    return 1 if part["parameter"] == "teff" else 3


def _of(value: float, digits: int) -> str:
    return "" if math.isnan(value) else number(round(value, digits) + 0.0, digits)  # no -0.000
