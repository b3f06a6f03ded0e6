"""Bring the data folder of the embedded server to a newer major version of PostgreSQL, by pg_upgrade."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.domain.errors import DatabaseError
from app.storage.embedded_binaries import Binaries
from app.storage.embedded_cluster import ROLE, data_version, make_cluster, write_configuration
from app.storage.embedded_home import Home


def upgrade(home: Home, old: Binaries, new: Binaries) -> Path:
    """Copy the database into a data folder of the newer version; the server must have been stopped properly.

    Returns:
        Where the old data folder is kept, untouched, until somebody removes it.

    Raises:
        DatabaseError: pg_upgrade refuses; nothing has changed then.
    """
    made, kept = home.folder / "data.new", home.folder / f"data.pg{data_version(home.data)}"
    if kept.exists():
        raise DatabaseError(f"{kept} is in the way, left from an earlier upgrade: remove it")
    shutil.rmtree(made, ignore_errors=True)
    make_cluster(home.account, new, made, checksums=_has_checksums(home, old))
    _copy_databases(home, old, new, made)
    home.data.rename(kept)
    made.rename(home.data)
    return kept


def _copy_databases(home: Home, old: Binaries, new: Binaries, made: Path) -> None:
    socket = home.make_short_socket_folder()
    workplace = home.make_folder("upgrade")
    for data in (home.data, made):
        write_configuration(home.account, data, socket, {})
    folders = (f"-b{old.folder}", f"-B{new.folder}", f"-d{home.data}", f"-D{made}")
    options = ("-U", ROLE, f"--socketdir={socket}", f"--jobs={os.cpu_count() or 1}")
    try:
        home.account.run([new.program("pg_upgrade"), *folders, *options], cwd=workplace)
    finally:
        home.remove_socket_folder(socket)
        shutil.rmtree(workplace)


def _has_checksums(home: Home, binaries: Binaries) -> bool:
    facts = home.account.run([binaries.program("pg_controldata"), "-D", home.data])
    line = next(line for line in facts.splitlines() if line.startswith("Data page checksum version"))
    return line.split(":")[1].strip() != "0"
