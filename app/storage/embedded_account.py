"""The account that the embedded PostgreSQL runs under, which is never root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import DatabaseError

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account of this machine."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of_user(cls, uid: int) -> Account:
        """Return the account with a user id.

        Raises:
            DatabaseError: the id has no name, and PostgreSQL refuses to run under such an account.
        """
        try:
            entry = pwd.getpwuid(uid)
        except KeyError as error:
            raise DatabaseError(f"user id {uid} has no name on this machine, and PostgreSQL needs one") from error
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    @classmethod
    def of_server(cls, data: Path) -> Account:
        """Return the account for a data folder: its owner, or for a new one this user; for root an unprivileged one.

        Raises:
            DatabaseError: the folder belongs to another user, or there is no account that root can hand over to.
        """
        mine = os.geteuid()
        if data.exists():
            owner = data.stat().st_uid
            if mine not in (0, owner):
                raise DatabaseError(f"{data} belongs to user {_name(owner)}: run this as {_name(owner)} or as root")
            return cls.of_user(owner)
        return cls.of_user(mine) if mine else cls._unprivileged()

    @classmethod
    def _unprivileged(cls) -> Account:
        for name in UNPRIVILEGED:
            try:
                return cls.of_user(pwd.getpwnam(name).pw_uid)
            except KeyError:
                continue
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and this machine has no account {' or '.join(UNPRIVILEGED)}: "
            "run SoS as an ordinary user"
        )

    @property
    def is_other(self) -> bool:
        """Whether it is another account than the one this process runs under."""
        return self.uid != os.geteuid()

    def run(self, command: Sequence[str | Path], *, cwd: Path = Path("/"), text: str = "") -> str:
        """Run a command under this account and return what it printed on stdout.

        Raises:
            DatabaseError: it failed; the message has the last lines that it printed.
        """
        try:
            done = subprocess.run(  # noqa: S603 - the commands are PostgreSQL's own, with paths of ours
                [str(part) for part in command],
                **self.process_arguments(),
                cwd=cwd,
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise DatabaseError(f"{command[0]} cannot be run as {self.name}: {error}") from error
        if done.returncode:
            lines = (done.stderr + done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
            raise DatabaseError(f"{Path(command[0]).name} failed: {' / '.join(lines[-4:])}")
        return str(done.stdout)

    def process_arguments(self) -> dict[str, Any]:
        """Return the arguments of `subprocess` that make a child run under this account, without foreign settings."""
        drop = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}
        return {"env": environment(), **drop}

    def can_run(self, program: Path) -> bool:
        """Whether this account may execute a program of PostgreSQL."""
        try:
            self.run([program, "--version"])
        except DatabaseError:
            return False
        return True

    def make_folder(self, folder: Path) -> None:
        """Make an empty folder that only this account may enter.

        Raises:
            OSError: it cannot be made, handed over, or reached by the account.
        """
        folder.mkdir(mode=0o700)
        self.take_folder(folder)

    def take_folder(self, folder: Path) -> None:
        """Hand an empty folder over to this account; it is removed where the account cannot use it.

        Raises:
            OSError: it cannot be handed over, or reached by the account.
        """
        try:
            if self.is_other:
                os.chown(folder, self.uid, self.gid)
            self.run(["/bin/sh", "-c", 'test -w "$1" -a -x "$1"', "sh", folder])
        except (OSError, DatabaseError) as error:
            shutil.rmtree(folder)
            raise PermissionError(f"{folder} cannot be used by {self.name}") from error

    def write(self, file: Path, text: str) -> None:
        """Write a file as this account does: root writing into a folder of another could be led elsewhere by a link."""
        self.run(["/bin/sh", "-c", 'umask 077; cat > "$1"', "sh", file], text=text)


def environment() -> dict[str, str]:
    """Return this process's environment without what would reconfigure PostgreSQL or its client library."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


def forget_foreign_settings() -> None:
    """Drop `PG*` from this process: the client library would obey PGSERVICE, PGOPTIONS and others unasked."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
