"""Examples of answers about tables that are homogenized: LAMOST's giants, sent where they are not in the catalogue."""

from __future__ import annotations

from typing import Any

_URL = "http://127.0.0.1:8000/v1/homogenize/5d3c0f7c9d2e4b8aa1f06c1f6f2f4a31"
_SHA256 = "3f5d0f6b2a1c0e9b6a7d8c9e0f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c"


def _column(role: str, column: str, unit: str, found: str = "name") -> dict[str, Any]:
    return {
        "role": role,
        "column": column,
        "found": found,
        "unit": None,
        "understood_as": unit,
        "rows": 22161,
    }


LOOK: dict[str, Any] = {
    "version": 3,
    "name": "LAMOST giants",
    "sha256": _SHA256,
    "came_as": "CSV",
    "format": "csv",
    "rows": 22161,
    "by": "positions",
    "radius_arcsec": 3.0,
    "columns": [
        _column("ra", "ra", "deg"),
        _column("dec", "dec", "deg"),
        _column("teff", "teff", "K"),
        _column("logg", "logg", "dex"),
        _column("feh", "feh", "dex"),
        _column("k_mag", "K", "mag", "given"),
    ],
    "unused": ["obsid", "rv", "AK"],
    "usable": 22161,
    "refused": {},
    "findable": 22161,
}

QUEUED_TABLE: dict[str, Any] = {
    "id": _URL.rpartition("/")[2],
    "state": "queued",
    "stage": None,
    "done": None,
    "total": None,
    "reason": None,
    "created_at": "2026-01-06T10:00:00Z",
    "finished_at": None,
    "expires_at": "2026-01-13T10:00:00Z",
    "url": _URL,
    "job": "http://127.0.0.1:8000/v1/jobs/21",
    "table": LOOK,
    "matches": None,
    "results": None,
    "warnings": None,
    "report": None,
    "file": None,
}

_MATCHES: dict[str, Any] = {
    "rows": 22161,
    "usable": 22161,
    "matched": 1043,
    "ambiguous": 0,
    "linked": 1042,
    "stars": 938,
    "stars_by_split": {"train": 562, "conformalize": 184, "test": 192},
    "median_separation_arcsec": 0.19,
    "repeats": [],
}

_RESULT: dict[str, Any] = {
    "unit": "K",
    "model": "boosted",
    "why": "746 stars to learn from: fitted by itself; of constant, linear, quadratic, boosted the simplest within one "
    "standard error of the best loss on left-out stars is boosted",
    "learnt_from_stars": 746,
    "median_correction": 31.4,
    "errors": {
        "rows_with_own": 0,
        "median_own": None,
        "median_stated": 34.2,
        "how": "from the scatter about the catalogue of left-out stars, less the catalogue's own errors, as a function "
        "of the star, S/N and magnitude where the table has them; errors of the table are not used",
    },
    "held_out": {
        "before": {"n": 192, "median": -32.6, "median_error": 5.59, "scatter": 43.23, "scatter_error": 4.1},
        "after": {"n": 192, "median": 0.606, "median_error": 2.95, "scatter": 32.88, "scatter_error": 3.23},
        "after_inside": {"n": 184, "median": 0.249, "median_error": 2.95, "scatter": 30.87, "scatter_error": 3.03},
        "inside": 0.958,
        "pull_width": 0.71,
    },
    "coverage": {"n": 184, "covered": 0.832, "error": 0.028},
}

TABLE: dict[str, Any] = {
    **QUEUED_TABLE,
    "state": "succeeded",
    "finished_at": "2026-01-06T10:00:52Z",
    "matches": _MATCHES,
    "results": {"teff": _RESULT},
    "warnings": [],
    "report": f"{_URL}/report",
    "file": {
        "url": f"{_URL}/file",
        "name": "homogenized_v3.csv",
        "format": "csv",
        "rows": 22161,
        "bytes": 4518224,
        "sha256": _SHA256,
    },
}

TABLE_REPORT: dict[str, Any] = {
    "version": 3,
    "judged_by": "combined values of the catalogue, on stars of the test split, which the fit has not seen",
    "matches": _MATCHES,
    "parameters": {"teff": {**_RESULT, "correction_error": 8.9, "fit": {"stars": 938, "tails": "cross-conformal"}}},
    "domain": {"rows": 22161, "outside": 0.21},
    "not_converged": 0,
    "trends": [],
    "plan": "default",
    "seed": 20240117,
    "software": {"xgboost-cpu": "3.2.0", "sos": "0.1.0"},
    "warnings": [],
}
