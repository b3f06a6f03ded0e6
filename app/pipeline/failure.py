"""A stage that ends before its work is done leaves a failed version with the reason, never one that seems to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.storage import versions
from app.storage.engine import Database


@contextmanager
def recorded_failure(database: Database, version_id: int) -> Iterator[None]:
    """Mark the version as failed when the block raises or is interrupted, and let the error go on."""
    try:
        yield
    except BaseException as error:
        interrupted = isinstance(error, KeyboardInterrupt | SystemExit)
        reason = "interrupted before it was complete" if interrupted else str(error) or type(error).__name__
        with database.begin() as connection:
            versions.fail(connection, version_id, reason)
        raise
