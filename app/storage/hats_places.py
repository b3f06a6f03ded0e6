"""Where the files of a HATS folder go: a folder, or one zip file whose members are stored as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, Self
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_READABLE = 0o644 << 16
_LENGTHS = 26  # where a member's local header says how long its name and its extra field are, which follow


class Place(Protocol):
    """Takes files, one after the other, by their names in the folder."""

    def file(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file."""


class Folder:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file."""
        path = self._path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as opened:
            yield opened


class Below:
    """A folder of another place."""

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name

    def file(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file."""
        return self._place.file(f"{self._name}/{name}")


class Packed:
    """A zip file of one folder, to be used as a context manager.

    Args:
        path: of the file.
        name: of the folder in it.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._zip = ZipFile(path, "w", ZIP_STORED)
        self._name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file."""
        info = ZipInfo(f"{self._name}/{name}")
        info.external_attr = _READABLE
        with self._zip.open(info, "w", force_zip64=True) as opened:
            yield opened


@dataclass(frozen=True)
class Section:
    """A piece of a file: a member of a zip file that is stored as it is, and its CRC-32."""

    path: Path
    start: int
    size: int
    crc: int


def section(path: Path, name: str) -> Section | None:
    """Return where a zip file of one folder has the file of this name, None where there is none."""
    with ZipFile(path) as packed:
        members = packed.infolist()
        top = members[0].filename.partition("/")[0]
        found = next((one for one in members if one.filename == f"{top}/{name}"), None)
    if found is None:
        return None
    with path.open("rb") as opened:
        opened.seek(found.header_offset + _LENGTHS)
        name_size, extra_size = struct.unpack("<HH", opened.read(4))
    start = found.header_offset + _LENGTHS + 4 + name_size + extra_size
    return Section(path, start, found.file_size, found.CRC)
