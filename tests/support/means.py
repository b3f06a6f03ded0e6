"""What workers of tests work with."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from app.storage.engine import Database
from workers.means import Means


def means(database: Database, folder: Path | None = None, **others: int) -> Means:
    """Return the means of a worker on a database, its files in a folder."""
    folder = folder or Path(tempfile.mkdtemp(prefix="sos-means-", dir=os.environ.get("SOS_TEST_RUN_FOLDER")))
    names = ("exports", "uploads", "tables", "catalogues", "cache")
    folders = {name: folder / name for name in names} | {"descriptors": folder / "surveys"}
    return Means(database.url, **folders, **others)
