"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.errors import TableError
from app.pipeline.readers.table import SurveyTable


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
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=rows, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise TableError(path.name, f"is damaged: {error}") from error
