"""Connections to the embedded server: where its socket is, and whether it answers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg

from app.domain.errors import DatabaseError
from app.storage import embedded_process
from app.storage.embedded_cluster import PORT, ROLE
from app.storage.embedded_home import Home

DATABASE = "sos"
NOT_YET = ("starting up", "not yet accepting", "in recovery", "shutting down")
BUSY = ("too many clients", "remaining connection slots")


def socket_folder(home: Home) -> Path | None:
    """Return the folder of the socket as the server wrote it down, None as long as it has not."""
    lines = embedded_process.pid_file_lines(home.data)
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None


def running_url(home: Home) -> str:
    """Return the URL of the SoS database of a running server."""
    return _url(socket_folder(home) or home.folder / "socket", DATABASE)


def answers(home: Home) -> bool:
    """Whether the server takes connections; the SoS database is made where it is missing.

    Raises:
        DatabaseError: it refuses this user, or its socket is gone.
    """
    socket = socket_folder(home)
    if socket is None or not _says_ready(home):
        return False
    try:
        psycopg.connect(_url(socket, DATABASE), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        return _is_up(home, socket, error)
    return True


def _says_ready(home: Home) -> bool:
    lines = embedded_process.pid_file_lines(home.data)
    return len(lines) > 7 and lines[7].strip() == "ready"


def _is_up(home: Home, socket: Path, error: psycopg.OperationalError) -> bool:
    """Judge a connection that failed: True the server is up, False not yet; anything else is raised."""
    message = str(error)
    if f'database "{DATABASE}" does not exist' in message:
        _make_database(socket)
        return True
    if any(sign in message for sign in NOT_YET):
        return False
    if any(sign in message for sign in BUSY):
        return True
    raise DatabaseError(
        f"PostgreSQL in {home.data} runs and cannot be reached (`sos db stop` stops it): {message}"
    ) from error


def _make_database(socket: Path) -> None:
    with psycopg.connect(_url(socket, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE sos")


def _url(socket: Path, database: str) -> str:
    return f"postgresql://{ROLE}@/{database}?host={quote(str(socket), safe='')}&port={PORT}"
