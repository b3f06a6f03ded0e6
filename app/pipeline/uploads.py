"""Files on their way to a survey: uploaded ones are written to a folder of their own, named ones lie in one folder."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from pathlib import Path

from app.domain.errors import ParameterError, UnavailableError

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}")


class Upload:
    """A file that is being received, in a folder of its own; `sha256` and `size` are those of what has come so far."""

    def __init__(self, folder: Path, filename: str) -> None:
        if not _PLAIN_NAME.fullmatch(filename):
            raise ParameterError("filename", f"must be a plain name of letters, digits and ._+-, got {filename!r}")
        self.path = folder / secrets.token_hex(8) / filename
        self.size = 0
        self._digest = hashlib.sha256()
        try:
            self.path.parent.mkdir(parents=True)
            self._file = self.path.open("xb")
        except OSError as error:
            raise UnavailableError(f"the upload cannot be kept: {error.strerror}") from error

    @property
    def sha256(self) -> str:
        """The SHA-256 of what has come so far."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Add a block.

        Raises:
            UnavailableError: the disk does not take it.
        """
        try:
            self._file.write(block)
        except OSError as error:
            raise UnavailableError(f"the upload cannot be kept: {error.strerror}") from error
        self._digest.update(block)
        self.size += len(block)

    def close(self) -> None:
        """Write the rest; the file stays for the job that takes it in.

        Raises:
            UnavailableError: the disk does not take it.
        """
        try:
            self._file.close()
        except OSError as error:
            raise UnavailableError(f"the upload cannot be kept: {error.strerror}") from error

    def discard(self) -> None:
        """Remove the file with its folder."""
        self._file.close()
        remove(self.path)


def remove(path: Path) -> None:
    """Remove an uploaded file with its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)


def remove_older(folder: Path, oldest: float) -> int:
    """Remove uploads that nothing has touched since a time (seconds since 1970); return how many."""
    old = [one for one in folder.glob("*") if one.is_dir() and one.stat().st_mtime < oldest]
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return len(old)


def named(incoming: Path | None, path: str) -> Path:
    """Return the file that a path below the folder of incoming files names.

    Raises:
        ParameterError: there is no such folder, no such file in it, or the path leads out of it.
    """
    if incoming is None:
        raise ParameterError("path", "no folder of files on the server is set up (SOS_INCOMING): upload the file")
    folder = incoming.resolve()
    try:
        file = (folder / path).resolve(strict=True)
    except (OSError, ValueError) as error:
        raise ParameterError("path", f"there is no file {path!r} in the folder of incoming files") from error
    if not file.is_relative_to(folder) or not file.is_file():
        raise ParameterError("path", f"there is no file {path!r} in the folder of incoming files")
    return file
