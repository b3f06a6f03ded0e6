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
    SurveyFile,
)
from app.domain.quantities import PARAMETERS, Parameter

Row: TypeAlias = Mapping[str, Any]
Models: TypeAlias = Mapping[tuple[int, str], ModelReference]
Files: TypeAlias = Mapping[int | None, SurveyFile | None]

_MAGNITUDES = ("g_mag", "bp_mag", "rp_mag", "k_mag")
_CORRELATIONS = {"teff_logg": "rho_teff_logg", "teff_feh": "rho_teff_feh", "logg_feh": "rho_logg_feh"}


class _Names:
    """The columns of a parameter, spelled out once: a star has a hundred values."""

    def __init__(self, place: int, parameter: Parameter) -> None:
        name = parameter.value
        self.parameter, self.name, self.excluded = parameter, name, 1 << place
        self.value = (name, f"{name}_lower", f"{name}_upper")
        self.raw = (f"{name}_raw", f"{name}_raw_lower", f"{name}_raw_upper")
        self.n, self.chi2, self.p_value, self.flags = f"{name}_n", f"{name}_chi2", f"{name}_p_value", f"{name}_flags"
        self.weight = f"{name}_weight"


_NAMES = tuple(_Names(place, parameter) for place, parameter in enumerate(PARAMETERS))


def models(rows: Iterable[Row]) -> Models:
    """Return the models of a version by survey number and name of the parameter."""
    return {(row["survey_id"], row["parameter"]): _model(row) for row in rows}


def files(rows: Iterable[Row]) -> dict[int | None, SurveyFile | None]:
    """Return files by the number under which they were taken in."""
    return {
        row["ingestion_id"]: SurveyFile(
            row["ingestion_id"], row["file_name"], row["file_sha256"], row["descriptor_sha256"]
        )
        for row in rows
    }


def star(version: int, row: Row, known: Models, read: Files) -> HomogenizedStar:
    """Return the star of a row with its contributions, each with the file and the models that it came through."""
    values = row["star"]
    return HomogenizedStar(
        version=version,
        star_id=values["star_id"],
        gaia_dr3_source_id=values["gaia_dr3_source_id"],
        ra=values["ra"],
        dec=values["dec"],
        magnitudes={name: values[name] for name in _MAGNITUDES},
        estimates={names.parameter: _estimate(values, names) for names in _NAMES},
        correlation={pair: values[column] for pair, column in _CORRELATIONS.items()},
        contributions=tuple(_contribution(item, known, read) for item in row["contributions"] or ()),
    )


def _estimate(row: Row, names: _Names) -> Estimate:
    interval = _interval(row, names.value)
    return Estimate(interval, row[names.n], row[names.chi2], row[names.p_value], row[names.flags])


def _contribution(row: Row, known: Models, read: Files) -> Contribution:
    return Contribution(
        survey=row["survey"],
        object_id=row["object_id"],
        measurement_id=row["measurement_id"],
        row_number=row["row_number"],
        file=read[row["ingestion_id"]],
        snr=row["snr"],
        in_domain=row["in_domain"],
        split=SPLITS[row["split"]],
        flags=row["flags"],
        corrections={names.parameter: _correction(row, names, known) for names in _NAMES},
    )


def _correction(row: Row, names: _Names, known: Models) -> Correction:
    return Correction(
        _interval(row, names.raw),
        _interval(row, names.value),
        row[names.weight],
        bool(row["excluded"] & names.excluded),
        known.get((row["survey_id"], names.name)),
    )


def _interval(row: Row, names: tuple[str, str, str]) -> Interval:
    value, lower, upper = names
    return Interval(row[value], row[lower], row[upper])


def _model(row: Row) -> ModelReference:
    return ModelReference(row["model_id"], row["stage"], row["kind"], row["direction"], row["artifact_sha256"])
