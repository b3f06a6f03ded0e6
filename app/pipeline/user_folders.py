"""Where a user's table lies while it is kept: a folder of its own, with the file that came and the one that goes back.

Workers and the service share the folder of these folders.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from app.domain.errors import ConflictError, UnavailableError

UPLOAD = "upload"
_TOKEN_BYTES = 16


def new_folder(tables: Path, content: bytes) -> str:
    """Put a table into a folder of its own and return its name, which nobody can guess.

    Raises:
        UnavailableError: the disk does not take it.
    """
    token = secrets.token_hex(_TOKEN_BYTES)
    try:
        (tables / token).mkdir(parents=True)
        (tables / token / UPLOAD).write_bytes(content)
    except OSError as error:
        remove_folder(tables, token)
        raise UnavailableError(f"the table cannot be kept: {error.strerror}") from error
    return token


def read_table(tables: Path, token: str) -> bytes:
    """Return the table that came.

    Raises:
        ConflictError: it is not there any more.
    """
    try:
        return (tables / token / UPLOAD).read_bytes()
    except FileNotFoundError as error:
        raise ConflictError(
            "the table is not there any more: send it again (workers and the service must share the state folder)"
        ) from error


def remove_table(tables: Path, token: str) -> None:
    """Remove the table that came; what goes back holds all of it."""
    (tables / token / UPLOAD).unlink(missing_ok=True)


def remove_folder(tables: Path, token: str) -> None:
    """Remove everything that there is of a table."""
    shutil.rmtree(tables / token, ignore_errors=True)


def remove_unknown(tables: Path, known: Collection[str], oldest: float) -> int:
    """Remove folders that no table is known of and nothing has touched since a time (seconds); return how many."""
    left = [one for one in tables.glob("*") if one.name not in known and one.stat().st_mtime < oldest]
    for one in left:
        shutil.rmtree(one, ignore_errors=True)
    return len(left)
