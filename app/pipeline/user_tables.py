"""Tables as users upload them, read whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from app.domain.errors import TableError, TooLargeError
from app.domain.matches import MOST_ROWS
from app.pipeline.readers import SurveyTable, open_table

GZIP = b"\x1f\x8b"
NAME = "upload"


def read_upload(content: bytes) -> tuple[pa.Table, str]:
    """Return an uploaded table and the format that it came in.

    Raises:
        TableError: it is damaged, compressed, or of no known kind.
        TooLargeError: it has more rows than a table may.
    """
    if content.startswith(GZIP):
        raise TableError(NAME, "is compressed: send the file itself")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        path.write_bytes(content)
        table = open_table(path)
        return _whole(table), table.format


def _whole(table: SurveyTable) -> pa.Table:
    batches, rows = [], table.rows or 0
    if rows <= MOST_ROWS:
        rows = 0
        for batch in table.batches():
            batches.append(batch)
            rows += batch.num_rows
            if rows > MOST_ROWS:
                break
    if rows > MOST_ROWS:
        raise TooLargeError("body", f"a table may have {MOST_ROWS:,} rows at most")
    return pa.Table.from_batches(batches, table.schema)
