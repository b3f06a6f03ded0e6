"""What a version says of a simulated sky, row by row beside its truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection

from app.domain.errors import ParameterError, TableError
from app.domain.quantities import PARAMETERS
from app.science.arrays import Booleans, Floats, Integers
from app.science.calibration.features import log_snr
from app.storage import frames, truths

COLUMNS = ("survey", "object_id", "true_star", *map(str, PARAMETERS), "outlier")
TEST = 2


@dataclass(frozen=True)
class TrueRows:
    """Calibrated measurements that have a truth, those of a star next to each other.

    Attributes:
        star: place of the star among `TrueStars`, rising, (n,).
        survey: number of the survey, (n,).
        split: 0 train, 1 conformalize, 2 test, (n,).
        unseen: whether no fit has seen the star: test split, or one survey alone, (n,).
        used: False where a quality cut or a missing value keeps the parameter out, (n, 3).
        in_domain: whether the survey's models were trained on stars like this one, (n,).
        raw: reported Teff (K), log g, [Fe/H], (n, 3).
        value: calibrated ones, (n, 3).
        minus: error downwards, (n, 3).
        plus: error upwards, (n, 3).
        contributes: whether the combined value rests on it, (n, 3).
        truth: true parameters, (n, 3).
        outlier: whether the star is an unresolved binary, (n,).
        nuisance: log_snr, g_mag and k_mag, each (n,).
    """

    star: Integers
    survey: Integers
    split: Integers
    unseen: Booleans
    used: Booleans
    in_domain: Booleans
    raw: Floats
    value: Floats
    minus: Floats
    plus: Floats
    contributes: Booleans
    truth: Floats
    outlier: Booleans
    nuisance: dict[str, Floats]


@dataclass(frozen=True)
class TrueStars:
    """Combined values of stars, (s, 3) each, and the truth of each star's first measurement, NaN where none has one."""

    value: Floats
    minus: Floats
    plus: Floats
    truth: Floats
    outlier: Booleans
    unseen: Booleans


@dataclass(frozen=True)
class Sky:
    """Measurements and stars beside their truth.

    Attributes:
        rows: measurements with a truth.
        stars: all stars.
        without_truth: measurements that have none.
        mixed: stars whose measurements are truly of different stars.
    """

    rows: TrueRows
    stars: TrueStars
    without_truth: int
    mixed: int


def read_truth(file: Path) -> pa.Table:
    """Return the truth that `sos mock` wrote.

    Raises:
        ParameterError: there is no such file.
        TableError: it is no Parquet table with the columns of a truth.
    """
    if not file.is_file():
        raise ParameterError("--truth", f"{file} is not a file; `sos mock` writes truth.parquet beside the surveys")
    try:
        schema = pq.read_schema(file)
    except pa.ArrowInvalid as problem:
        raise TableError(str(file), f"no Parquet table: {problem}") from problem
    for name in COLUMNS:
        if name not in schema.names:
            raise TableError(str(file), f"a truth of `sos mock` has the columns {', '.join(COLUMNS)}", column=name)
    return pq.read_table(file, columns=list(COLUMNS))


def load_sky(connection: Connection, version_id: int, truth: pa.Table, *, file: Path) -> Sky:
    """Return a version's measurements and stars beside the truth.

    Raises:
        TableError: none of the measurements is in the truth.
    """
    present = frames.surveys_with_measurements(connection)
    numbers = pc.index_in(truth["survey"], pa.array(list(present))).fill_null(-1).to_numpy()
    number_of = np.array([*present.values(), 0], dtype=np.int64)
    columns = truths.calibrated_with_truth(connection, version_id, number_of[numbers], truth["object_id"])
    known = columns["place"] > 0
    if not known.any():
        raise TableError(str(file), f"no measurement of version {version_id} is in it: it is the truth of another sky")
    homogenized = truths.homogenized_values(connection, version_id)
    without = int((~known).sum())
    columns = {name: column[known] for name, column in columns.items()}
    place = columns["place"].astype(np.int64) - 1
    rows = _rows(columns, homogenized["star_id"], truth, place)
    identity = truth["true_star"].to_numpy()[place]
    changes = (np.diff(rows.star) == 0) & (np.diff(identity) != 0)
    return Sky(rows, _stars(homogenized, rows), without, len(np.unique(rows.star[1:][changes])))


def _rows(columns: Mapping[str, Any], star_id: Integers, truth: pa.Table, place: Integers) -> TrueRows:
    value, raw = _three(columns, ""), _three(columns, "_raw")
    excluded = columns["excluded"].astype(np.int64)
    cut = np.column_stack([(excluded >> bit) & 1 == 1 for bit in range(len(PARAMETERS))])
    return TrueRows(
        star=np.searchsorted(star_id, columns["star_id"]).astype(np.int64),
        survey=columns["survey_id"].astype(np.int64),
        split=columns["split"].astype(np.int64),
        unseen=(columns["split"] == TEST) | (columns["n_surveys"] == 1),
        used=np.isfinite(raw) & ~cut,
        in_domain=columns["in_domain"],
        raw=raw,
        value=value,
        minus=value - _three(columns, "_lower"),
        plus=_three(columns, "_upper") - value,
        contributes=np.nan_to_num(_three(columns, "_weight")) > 0,
        truth=np.column_stack([truth[str(parameter)].to_numpy()[place] for parameter in PARAMETERS]),
        outlier=truth["outlier"].to_numpy()[place],
        nuisance={
            "log_snr": log_snr(columns["snr"].astype(np.float64)),
            "g_mag": columns["g_mag"].astype(np.float64),
            "k_mag": columns["k_mag"].astype(np.float64),
        },
    )


def _stars(columns: Mapping[str, Any], rows: TrueRows) -> TrueStars:
    value = _three(columns, "")
    truth, outlier, unseen = np.full_like(value, np.nan), np.zeros(len(value), bool), np.zeros(len(value), bool)
    star, first = np.unique(rows.star, return_index=True)
    truth[star], outlier[star], unseen[star] = rows.truth[first], rows.outlier[first], rows.unseen[first]
    return TrueStars(
        value, value - _three(columns, "_lower"), _three(columns, "_upper") - value, truth, outlier, unseen
    )


def _three(columns: Mapping[str, Any], suffix: str) -> Floats:
    return np.column_stack([columns[f"{parameter}{suffix}"] for parameter in PARAMETERS]).astype(np.float64)
