"""The keeping stage: a version's catalogue as a file, from which the service reads whole downloads."""

from __future__ import annotations

from pathlib import Path

from app.domain.catalog import Slice
from app.domain.columns import CATALOG
from app.storage import downloads, kept_catalogues, slices
from app.storage.engine import Database, driver_connection
from app.storage.rendering import Rendering


def keep(database: Database, folder: Path, version_id: int) -> Path | None:
    """Write the catalogue of a complete version to a file of a folder; return where it lies.

    Returns:
        None where the version has no checksum of its rows: an earlier SoS made it.

    Raises:
        OSError: the file cannot be written.
        DatabaseError: the server cannot be reached or stops answering.
    """
    with database.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        rows = slices.catalogue(version_id, Slice(columns=CATALOG)).all_rows(Rendering.NATIVE)
        with downloads.arrow_reader(database.url, driver_connection(connection), rows) as batches:
            return kept_catalogues.write(connection, folder, version_id, batches)
