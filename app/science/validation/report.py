"""The validation report: its parts as one mapping for JSON, with what is circular said beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from app.domain.gates import Gate
from app.science.validation.gate import failures_of

DIGITS = 6

CIRCULAR: tuple[dict[str, str], ...] = (
    {
        "check": "pairs, coverage and pulls against a reference survey",
        "why": "the other surveys are aligned to it: on unseen stars this proves that the alignment generalizes, not "
        "that the scale is right",
    },
    {
        "check": "parameters in which a survey is reference",
        "why": "they are left as reported and agree with the scale by construction; residuals between two reference "
        "surveys in them are part of the scale",
    },
    {
        "check": "surveys aligned to one reference",
        "why": "they share its errors: agreement among them says nothing about these, and pulls between them are too "
        "narrow where the shared part is not known",
    },
    {
        "check": "log g against asteroseismology",
        "why": "APOGEE's log g of giants is calibrated on asteroseismic values",
    },
    {"check": "log g against parallaxes", "why": "GALAH's log g is computed from parallax and photometry"},
    {
        "check": "cluster [Fe/H] of OCCAM and Spina et al.",
        "why": "these are APOGEE's and GALAH's own values; only literature from other spectra counts as external",
    },
    {
        "check": "cluster members that are also reference stars",
        "why": "a reference survey's members agree with the scale by construction",
    },
)


def assemble(
    stars: str,
    *,
    pairs: Sequence[Mapping[str, Any]],
    trends: Sequence[Any] = (),
    coverage: Sequence[Any] = (),
    pulls: Sequence[Any] = (),
    kiel: Mapping[str, Any] | None = None,
    external: Mapping[str, Any] | None = None,
    gate: Gate | None = None,
) -> dict[str, Any]:
    """Return the report; dataclasses become mappings, arrays lists, and what is not known None.

    Args:
        stars: which stars are judged.
        pairs: offsets and scatter of every pair.
        trends: slopes and binned medians.
        coverage: of stated intervals.
        pulls: by subset of surveys.
        kiel: clumps, main sequences and distances.
        external: what the outside says; the key is absent without it.
        gate: limits to keep; with None there are none and the report passes.

    >>> assemble("test stars", pairs=[])["gate"]
    {'limits': {}, 'passed': True, 'failures': []}
    """
    report: dict[str, Any] = {
        "stars": stars,
        "pairs": [dict(pair) for pair in pairs],
        "trends": plain(trends),
        "coverage": plain(coverage),
        "pulls": plain(pulls),
        "kiel": plain(kiel or {}),
        "circular": [dict(statement) for statement in CIRCULAR],
    }
    if external is not None:
        report["external"] = plain(external)
    failures = [] if gate is None else failures_of(gate, report)
    report["gate"] = {
        "limits": {} if gate is None else gate.as_mapping(),
        "passed": not failures,
        "failures": [asdict(failure) | {"text": str(failure)} for failure in failures],
    }
    return report


def plain(value: Any) -> Any:
    """Return a value as JSON has it: mappings, lists, numbers of six digits, None for what is not finite.

    >>> plain({"a": np.array([1.0, np.nan]), "b": (1, 2 / 3)})
    {'a': [1.0, None], 'b': [1, 0.666667]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
