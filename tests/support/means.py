"""What workers of tests work with."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.storage.engine import Database
from workers.means import Means


def means(database: Database, folder: Path | None = None, **others: int) -> Means:
    """Return the means of a worker on a database, its files in a folder."""
    folder = folder or Path(tempfile.gettempdir())
    return Means(database.url, folder / "exports", folder / "uploads", folder / "surveys", **others)
