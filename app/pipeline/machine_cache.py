"""What takes seconds to make and may be made again at any time, kept in a folder of this machine.

A file is named by the checksum of everything that its arrays are made of, so it is never out of date; it is whole or
not there. What was used last stays.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from app.science.arrays import Numbers

MOST_BYTES = 4 << 30
"""Of all files together: grids take some 50 MB each, calibrated values 100 bytes a measurement."""

Arrays = Mapping[str, Numbers]
_folder: list[Path] = []


def keep_in(folder: Path) -> None:
    """Keep arrays in a folder from now on; a process says so once, at its door."""
    folder.mkdir(parents=True, exist_ok=True)
    _folder[:] = [folder]


def keeps() -> bool:
    """Whether this process keeps anything."""
    return bool(_folder)


def kept(sha256: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays that are kept under the checksum of what they are made of, or make and keep them."""
    if not _folder:
        return make()
    path = _folder[0] / f"{sha256}.npz"
    with suppress(OSError, ValueError, EOFError, BadZipFile):
        with path.open("rb") as opened, np.load(opened) as file:
            found = dict(file)
        os.utime(path)
        return found
    made = make()
    with suppress(OSError):  # a full disk costs time, not the result
        _write(path, made)
    return made


def _write(path: Path, arrays: Arrays) -> None:
    number, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
    _make_room(path.parent)


def _make_room(folder: Path) -> None:
    """Remove the files that were used longest ago, beyond `MOST_BYTES`."""
    total = 0
    for path, known in sorted(((path, path.stat()) for path in folder.glob("*.npz")), key=lambda one: -one[1].st_mtime):
        total += known.st_size
        if total > MOST_BYTES:
            path.unlink(missing_ok=True)
