"""Columns of users' tables as they come and as they go back: numbers out of them, and our columns beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.domain.columns import Column, Kind
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.services.uploads import given

TAKEN = "sos_"
SAME_KIND: Mapping[str, FileFormat] = {
    "FITS": FileFormat.FITS,
    "VOTable": FileFormat.VOTABLE,
    "Parquet": FileFormat.PARQUET,
}
"""The kind of file in which a table goes back, by that in which it came; CSV for all others."""

_KINDS = {pa.string(): Kind.TEXT, pa.bool_(): Kind.BOOLEAN, pa.int64(): Kind.ID}


def extended(table: pa.Table, added: Iterable[tuple[Column, pa.Array]]) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return a table with columns added, and what is known about all columns; a name that is taken gets `sos_`."""
    columns = [_original(field) for field in table.schema]
    taken = {column.name.lower() for column in columns}
    for column, values in added:
        name = _free(column.name, taken)
        table = table.append_column(name, values)
        columns.append(Column(name, column.kind, column.description, column.unit, column.ucd))
        taken.add(name.lower())
    return table.replace_schema_metadata(None), tuple(columns)


def numbers(table: pa.Table, name: str, parameter: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is empty.

    Raises:
        ParameterError: it holds something else; names the parameter, the column and the first such row, from 1.
    """
    values, kind = table[name], table[name].type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        found = np.array([_number(text, row, name, parameter) for row, text in enumerate(values.to_pylist(), start=1)])
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        found = values.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy()
    else:
        raise ParameterError(parameter, f"column {name!r} holds {kind}, not numbers")
    infinite = np.flatnonzero(np.isinf(found))
    if len(infinite):
        raise ParameterError(parameter, f"column {name!r}, row {infinite[0] + 1}: {found[infinite[0]]} is no number")
    return found.astype(np.float64, copy=False)


def _number(text: str | None, row: int, name: str, parameter: str) -> float:
    if text is None or not text.strip():
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise ParameterError(parameter, f"column {name!r}, row {row}: {text!r:.40} is no number") from None


def _free(name: str, taken: set[str]) -> str:
    while name.lower() in taken:
        name = TAKEN + name
    return name


def _original(field: Any) -> Column:
    known: Mapping[str, str | None] = {key: given(field, key) for key in ("description", "unit", "ucd")}
    kind = _KINDS.get(field.type, Kind.REAL if pa.types.is_floating(field.type) else Kind.OTHER)
    return Column(field.name, kind, known["description"] or "", known["unit"], known["ucd"])
