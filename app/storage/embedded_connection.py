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
NOT_YET = ("starting up", "not yet accepting", "in recovery", "shutting down", "No such file", "refused")
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
        DatabaseError: it refuses this user.
    """
    socket = socket_folder(home)
    if socket is None:
        return False
    try:
        psycopg.connect(_url(socket, DATABASE), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        message = str(error)
        if any(sign in message for sign in NOT_YET):
            return False
        if f'database "{DATABASE}" does not exist' in message:
            _make_database(socket)
        elif not any(sign in message for sign in BUSY):
            raise DatabaseError(f"PostgreSQL in {home.data} refuses the connection: {message}") from error
    return True


def _make_database(socket: Path) -> None:
    with psycopg.connect(_url(socket, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE sos")


def _url(socket: Path, database: str) -> str:
    return f"postgresql://{ROLE}@/{database}?host={quote(str(socket), safe='')}&port={PORT}"
