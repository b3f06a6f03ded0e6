"""The data folder of the embedded server: made, configured, and cleared after a crash."""

from __future__ import annotations

import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path

from app.domain.errors import DatabaseError
from app.storage import embedded_process
from app.storage.embedded_account import Account
from app.storage.embedded_binaries import Binaries
from app.storage.embedded_home import Home

ROLE = "sos"
PORT = 5432


def make_cluster(account: Account, binaries: Binaries, data: Path, *, checksums: bool = True) -> None:
    """Make a data folder; one that is only half made never gets its name."""
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.make_folder(unfinished)
    options = ["-U", ROLE, "--encoding=UTF8", "--no-locale", "-A", "peer"]
    # Until PostgreSQL 18 there were no checksums unless they were asked for, and no word to refuse them.
    if checksums or binaries.major >= 18:
        options.append("--data-checksums" if checksums else "--no-data-checksums")
    account.run([binaries.program("initdb"), "-D", unfinished, *options])
    unfinished.rename(data)


def data_version(data: Path) -> int:
    """Return the major version that a data folder was made by."""
    return int((data / "PG_VERSION").read_text(encoding="ascii"))


def check_version(data: Path, binaries: Binaries) -> None:
    """Insist that the programs can read the data folder.

    Raises:
        DatabaseError: they are of another major version.
    """
    found = data_version(data)
    if found < binaries.major:
        raise DatabaseError(
            f"{data} was made by PostgreSQL {found} and the programs are {binaries.version}: run `sos db upgrade`"
        )
    if found > binaries.major:
        raise DatabaseError(
            f"{data} was made by PostgreSQL {found}, which PostgreSQL {binaries.version} cannot read: "
            f"set SOS_PG_BIN to the programs of PostgreSQL {found}"
        )


def clear_after_crash(home: Home) -> None:
    """Remove what a killed server left: its processes, its socket, and the file that says it runs.

    PostgreSQL itself trusts that file as long as the process number exists, which it does for a killed process that
    nobody waited for, and for another program that was given the same number after a restart of the machine.
    """
    embedded_process.end_orphans(home.data)
    lines = embedded_process.pid_file_lines(home.data)
    if len(lines) > 4 and lines[4]:
        home.remove_socket_folder(Path(lines[4]))
    (home.data / "postmaster.pid").unlink(missing_ok=True)


def write_configuration(account: Account, data: Path, socket: Path, settings: Mapping[str, str]) -> None:
    """Write the configuration for the next start; ALTER SYSTEM takes precedence over it."""
    fixed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": _within(str(socket), '"'),
        "unix_socket_permissions": "0700",
        "cluster_name": "sos",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
    }
    lines = [f"{name} = {_within(value, chr(39))}" for name, value in {**settings, **fixed}.items()]
    header = "# Written by SoS at each start; make your own changes by ALTER SYSTEM."
    account.write(data / "postgresql.conf", "\n".join([header, *lines, ""]))
    account.write(data / "pg_hba.conf", "local all all peer map=sos\n")
    names = sorted({account.name, pwd.getpwuid(0).pw_name})
    account.write(data / "pg_ident.conf", "".join(f"sos {_within(name, chr(34))} {ROLE}\n" for name in names))


def _within(text: str, quote: str) -> str:
    """Return a text within quotes of a kind; those inside it are doubled."""
    return quote + text.replace(quote, quote * 2) + quote
