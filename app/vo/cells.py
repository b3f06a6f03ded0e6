"""The rows of an answer as columns of arrow, for every form of answer but BINARY2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.domain.fields import Datatype, Field

if TYPE_CHECKING:
    import pyarrow as pa

    from app.storage.binary_copy import Tuples

_DTYPES: dict[Datatype, np.dtype[Any]] = {
    Datatype.SHORT: np.dtype(np.int16),
    Datatype.INT: np.dtype(np.int32),
    Datatype.LONG: np.dtype(np.int64),
    Datatype.FLOAT: np.dtype(np.float32),
    Datatype.DOUBLE: np.dtype(np.float64),
    Datatype.BOOLEAN: np.dtype(np.bool_),
}


def columns(fields: Sequence[Field], rows: Tuples) -> list[pa.Array]:
    """Return each column of some rows; what is NULL is null, and a shape is a list of numbers."""
    return [_column(one, place, rows) for place, one in enumerate(fields)]


def _column(column: Field, place: int, rows: Tuples) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415 - takes half a second, and BINARY2 does without it

    valid = rows.valid(place)
    assert column.datatype is not None, "the columns of an answer have types"
    if not column.datatype.textual and not column.is_shape:
        return pa.array(rows.fixed(place, _DTYPES[column.datatype]), mask=~valid)
    data, offsets = rows.text(place)
    if column.is_shape:
        numbers = pa.array(data.view(">f8").astype(np.float64))
        validity = pa.array(valid).buffers()[1]
        return pa.Array.from_buffers(
            pa.large_list(pa.float64()), len(valid), [validity, pa.py_buffer(offsets // 8)], children=[numbers]
        )
    buffers = [pa.array(valid).buffers()[1], pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(valid), buffers)


def written(values: pa.Array) -> pa.Array:
    """Return a column as texts and numbers alone: those of a shape stand beside each other (DALI 1.1, section 3)."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    if not pa.types.is_large_list(values.type):
        return values
    return pa.array(
        [None if shape is None else " ".join(map(repr, shape)) for shape in values.to_pylist()], pa.large_string()
    )
