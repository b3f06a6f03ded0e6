"""Copies of the embedded database as a file, and back, by PostgreSQL's own programs.

Those of the system would often not do: pg_dump refuses a server that is newer than itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg

from app.domain.errors import ConflictError, InputError
from app.storage import reader_role
from app.storage.embedded import EmbeddedServer
from app.storage.embedded_account import Account
from app.storage.embedded_binaries import choose


def dump(server: EmbeddedServer, file: Path) -> None:
    """Write the whole database into a file, as it is at this moment; others may go on working.

    Raises:
        ConflictError: the file exists.
        DatabaseError: the server cannot be started, or pg_dump fails.
    """
    if file.exists():
        raise ConflictError(f"{file} exists already")
    unfinished = file.with_name(file.name + ".unfinished")
    with server.lease() as url:
        _run(server, "pg_dump", "--format=custom", "--compress=1", f"--file={unfinished}", f"--dbname={url}")
    unfinished.rename(file)


def restore(server: EmbeddedServer, file: Path) -> None:
    """Fill an empty database from a file that `dump` wrote, all of it or nothing.

    Raises:
        InputError: there is no such file.
        ConflictError: the database is not empty.
        DatabaseError: the server cannot be started, or the file is none that pg_restore reads.
    """
    if not file.is_file():
        raise InputError(f"{file} is no file")
    with server.lease() as url:
        with psycopg.connect(url) as connection:
            reader_role.ensure(connection)  # roles are the server's: a dump names this one, but does not hold it
            if connection.execute("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchone():
                raise ConflictError(
                    f"the database in {server.folder.parent} is not empty: name another state folder by --state"
                )
        _run(server, "pg_restore", "--single-transaction", "--exit-on-error", f"--dbname={url}", str(file))


def _run(server: EmbeddedServer, program: str, *arguments: str) -> None:
    account = Account.of_user(os.geteuid())
    binaries = choose(server.binaries, account, server.folder)
    account.run([binaries.program(program), *arguments], cwd=Path.cwd())
