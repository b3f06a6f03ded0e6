"""Processes of the embedded server: which one is alive, and what a killed one left behind."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from app.domain.errors import DatabaseError

PROC = Path("/proc")


def postmaster(data: Path) -> int | None:
    """Return the id of the server process of a data folder, None where none is alive."""
    lines = pid_file_lines(data)
    if not lines or not lines[0].isdigit():
        return None
    pid = int(lines[0])
    return pid if is_alive(pid) and _works_in(pid, data) else None


def pid_file_lines(data: Path) -> list[str]:
    """Return the lines of `postmaster.pid`: process, folder, start time, port, socket folder, and more."""
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for by its parent does not."""
    with suppress(ChildProcessError):  # somebody else's child
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) not in {"Z", "X"}


def end_orphans(data: Path, *, patience_s: float = 5.0) -> None:
    """End the processes that a killed server left in its data folder: they hold its shared memory.

    Raises:
        DatabaseError: one of them cannot be ended.
    """
    for kind in (signal.SIGQUIT, signal.SIGKILL):
        for pid in orphans(data):
            os.kill(pid, kind)
        deadline = time.monotonic() + patience_s
        while (left := orphans(data)) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not left:
            return
    raise DatabaseError(f"processes {left} of a server that was killed still work in {data}: end them")


def orphans(data: Path) -> list[int]:
    """Return the processes that work in a data folder (where the system has `/proc`)."""
    numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()] if PROC.is_dir() else []
    return [pid for pid in numbers if _folder(pid) == data]


def wait_until_gone(pid: int, *, patience_s: float) -> bool:
    """Wait for a process to end; False if it is still alive after that time."""
    deadline = time.monotonic() + patience_s
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process is of this data folder; a number may have been given to another process since."""
    folder = _folder(pid)
    return folder is None or folder == data


def _folder(pid: int) -> Path | None:
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def _state(pid: int) -> str | None:
    try:
        return (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return None
