"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.errors import TableError
from app.pipeline.readers.table import SurveyTable, rows_within

_BUFFER = 1 << 20


def read_parquet(path: Path) -> SurveyTable:
    """Open a Parquet file; a field's metadata may hold its unit under `unit`.

    Raises:
        TableError: the file is damaged or cut off.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TableError(path.name, f"is not a readable Parquet file: {error}") from error
    return SurveyTable(path.name, "Parquet", schema, rows, lambda size: _read(path, size))


def _read(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    try:
        # Pages are read through a small buffer: whole row groups may be larger than memory should be.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            row_bytes = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
            size = rows_within(row_bytes / max(file.metadata.num_rows, 1), rows)
            yield from file.iter_batches(batch_size=size, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise TableError(path.name, f"is damaged: {error}") from error
