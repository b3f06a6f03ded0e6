"""The bytes of a file, whether it is compressed or not."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import IO, cast

GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20


def is_gzip(path: Path) -> bool:
    """Tell whether a file is compressed by gzip."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; gzip is undone."""
    return cast("IO[bytes]", gzip.open(path)) if is_gzip(path) else path.open("rb")


def first_bytes(path: Path, count: int = 4096) -> bytes:
    """Return how a file begins, uncompressed."""
    with open_bytes(path) as file:
        return file.read(count)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on disk."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
