"""Rows that the query `star` returns, as domain objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from app.domain.homogenized import (
    SPLITS,
    Contribution,
    Correction,
    Estimate,
    HomogenizedStar,
    Interval,
    ModelReference,
)
from app.domain.quantities import PARAMETERS, Parameter

Row: TypeAlias = Mapping[str, Any]
Models: TypeAlias = Mapping[tuple[int, str], ModelReference]

_MAGNITUDES = ("g_mag", "bp_mag", "rp_mag", "k_mag")
_BITS = {parameter: 1 << place for place, parameter in enumerate(PARAMETERS)}


def models(rows: Iterable[Row]) -> Models:
    """Return the models of a version by survey number and name of the parameter."""
    return {(row["survey_id"], row["parameter"]): _model(row) for row in rows}


def star(version: int, row: Row, known: Models) -> HomogenizedStar:
    """Return the star of a row with its contributions, each with the model that made it."""
    values = row["star"]
    return HomogenizedStar(
        version=version,
        star_id=values["star_id"],
        gaia_dr3_source_id=values["gaia_dr3_source_id"],
        ra=values["ra"],
        dec=values["dec"],
        magnitudes={name: values[name] for name in _MAGNITUDES},
        estimates={parameter: _estimate(values, parameter) for parameter in PARAMETERS},
        contributions=tuple(_contribution(item, known) for item in row["contributions"] or ()),
    )


def _estimate(row: Row, name: str) -> Estimate:
    return Estimate(
        _interval(row, name), row[f"{name}_n"], row[f"{name}_chi2"], row[f"{name}_p_value"], row[f"{name}_flags"]
    )


def _contribution(row: Row, known: Models) -> Contribution:
    return Contribution(
        survey=row["survey"],
        object_id=row["object_id"],
        measurement_id=row["measurement_id"],
        snr=row["snr"],
        in_domain=row["in_domain"],
        split=SPLITS[row["split"]],
        flags=row["flags"],
        corrections={parameter: _correction(row, parameter, known) for parameter in PARAMETERS},
    )


def _correction(row: Row, parameter: Parameter, known: Models) -> Correction:
    return Correction(
        raw=_interval(row, f"{parameter}_raw"),
        calibrated=_interval(row, parameter),
        weight=row[f"{parameter}_weight"],
        excluded=bool(row["excluded"] & _BITS[parameter]),
        model=known.get((row["survey_id"], parameter)),
    )


def _interval(row: Row, name: str) -> Interval:
    return Interval(row[name], row[f"{name}_lower"], row[f"{name}_upper"])


def _model(row: Row) -> ModelReference:
    return ModelReference(row["model_id"], row["stage"], row["kind"], row["direction"], row["artifact_sha256"])
