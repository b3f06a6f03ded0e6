"""The catalogue of a version as a Parquet file beside the database, from which whole downloads are read.

The rows of a version never change. The file is named by the version and the SHA-256 of its rows, so that it can be of
no others, also where a database was restored; it is whole or not there, and can be made again at any time.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from app.domain.catalog import Slice
from app.domain.columns import CATALOG, Column
from app.storage.queries import queries
from app.storage.table_files import parquet_blocks

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS = 32_768
BUFFER_BYTES = 1 << 18
_PART, _PART_KEPT_S = ".part", 86_400
_NAME = re.compile(r"v(\d+)-[0-9a-f]{64}\.parquet")


@dataclass(frozen=True)
class KeptCatalogue:
    """An open file with every row and column of a version's catalogue."""

    file: pq.ParquetFile

    @property
    def rows(self) -> int:
        """How many stars there are."""
        return int(self.file.metadata.num_rows)

    def batches(self, columns: tuple[Column, ...]) -> pa.RecordBatchReader:
        """Return some columns, in the order asked for, of all rows in the order of the file, in flat memory."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and only files need it

        names = [column.name for column in columns]
        schema = pa.schema([self.file.schema_arrow.field(name).remove_metadata() for name in names])
        batches = (
            pa.RecordBatch.from_arrays([batch[name] for name in names], schema=schema)
            for batch in self.file.iter_batches(BATCH_ROWS, columns=names, use_threads=False)
        )
        return pa.RecordBatchReader.from_batches(schema, batches)


@contextmanager
def opened(connection: Connection, folder: Path, version_id: int, wanted: Slice) -> Iterator[KeptCatalogue | None]:
    """Open the kept file of a version; None where it is not there, or a slice wants what it does not have."""
    path = _path(connection, folder, version_id) if wanted.whole else None  # of some rows the database finds which
    if path is None:
        yield None
        return
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    with ExitStack() as held:
        try:
            # Unless it is told not to, it reads all columns ahead and keeps the whole file in memory.
            file = held.enter_context(pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES))
        except (OSError, pa.ArrowInvalid):  # not made, removed, or damaged
            file = None
        # An earlier SoS may have made it, whose catalogue had fewer columns.
        has_all = file is not None and {column.name for column in wanted.columns} <= set(file.schema_arrow.names)
        yield KeptCatalogue(file) if has_all else None


def write(connection: Connection, folder: Path, version_id: int, batches: pa.RecordBatchReader) -> Path | None:
    """Keep the catalogue of a version; a file that is there already is replaced by its like.

    Args:
        connection: reads the checksum of the version's rows.
        folder: where the file goes; made where it is missing.
        version_id: a complete version.
        batches: all its rows, columns as in `CATALOG`.

    Returns:
        Where the file lies; None where an earlier SoS made the version, without a checksum of its rows.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path = _path(connection, folder, version_id)
    if path is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    number, part = tempfile.mkstemp(dir=folder, prefix=".", suffix=_PART)
    try:
        with os.fdopen(number, "wb") as file:
            file.writelines(parquet_blocks(batches, CATALOG, {"sos.version": str(version_id)}))
            os.fchmod(file.fileno(), 0o644)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    return path


def remove_others(folder: Path, kept: Collection[int]) -> list[int]:
    """Remove the files of all versions but those that are kept; return the versions whose file is gone.

    What a worker left that was killed while it wrote goes too, a day later.
    """
    for part in folder.glob(f".*{_PART}"):
        if part.stat().st_mtime < time.time() - _PART_KEPT_S:
            part.unlink(missing_ok=True)
    found = [(path, re.fullmatch(_NAME, path.name)) for path in folder.glob("*.parquet")]
    gone = sorted((int(name[1]), path) for path, name in found if name and int(name[1]) not in kept)
    for _, path in gone:
        path.unlink(missing_ok=True)
    return [version_id for version_id, _ in gone]


def _path(connection: Connection, folder: Path, version_id: int) -> Path | None:
    sha256 = connection.exec_driver_sql(
        queries("versions")["catalogue_sha256"], {"version_id": version_id}
    ).scalar_one_or_none()
    return None if sha256 is None else folder / f"v{version_id}-{sha256}.parquet"
