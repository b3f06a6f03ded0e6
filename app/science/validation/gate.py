"""The gate: does a validation report keep the limits that the plan sets, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.gates import Gate, GateFailure
from app.domain.quantities import Parameter


def failures_of(gate: Gate, report: Mapping[str, Any]) -> list[GateFailure]:
    """Return every limit that the report (`pairs`, `coverage`, `pulls`) breaks, with the numbers.

    What rests on fewer than `gate.fewest_stars` test stars is passed over: a limit judges a survey, not chance.

    >>> after = {"n": 500, "median": 12.0, "median_error": 2.0}
    >>> report = {"pairs": [{"survey": "a", "other": "b", "parameter": "teff", "after": after}]}
    >>> [str(failure) for failure in failures_of(Gate(max_offset_sigma=5), report)]
    ['max_offset_sigma: a - b, teff: 6 (allowed 5)']
    """
    return [*_offsets(gate, report), *_coverage(gate, report), *_pulls(gate, report)]


def _offsets(gate: Gate, report: Mapping[str, Any]) -> Iterator[GateFailure]:
    for pair in report.get("pairs", ()):
        after = pair["after"]
        if after["n"] < gate.fewest_stars or after["median"] is None:
            continue
        where, size, error = _pair(pair), abs(after["median"]), after["median_error"]
        if gate.max_offset_sigma is not None and error and size > gate.max_offset_sigma * error:
            yield GateFailure("max_offset_sigma", where, size / error, gate.max_offset_sigma)
        allowed = (gate.max_median or {}).get(Parameter(pair["parameter"]))
        if allowed is not None and size > allowed:
            yield GateFailure("max_median", where, after["median"], allowed)


def _coverage(gate: Gate, report: Mapping[str, Any]) -> Iterator[GateFailure]:
    if gate.coverage is None:
        return
    least, most = gate.coverage
    for part in report.get("coverage", ()):
        overall = part["overall"]
        if overall["n"] < gate.fewest_stars:
            continue
        if overall["covered"] < least:
            yield GateFailure("coverage", _pair(part), overall["covered"], least)
        elif overall["covered"] > most:
            yield GateFailure("coverage", _pair(part), overall["covered"], most)


def _pulls(gate: Gate, report: Mapping[str, Any]) -> Iterator[GateFailure]:
    if gate.max_pull_width is None:
        return
    for part in report.get("pulls", ()):
        if part["n"] >= gate.fewest_stars and part["width"] > gate.max_pull_width:
            where = f"{part['kind']} {part['subset']}, {part['parameter']}"
            yield GateFailure("max_pull_width", where, part["width"], gate.max_pull_width)


def _pair(part: Mapping[str, Any]) -> str:
    return f"{part['survey']} - {part['other']}, {part['parameter']}"
