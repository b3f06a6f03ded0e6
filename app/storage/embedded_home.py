"""Where the files of the embedded server live.

They live in `STATE/postgres`. Root, however, hands the server to an unprivileged account, and where that account may
not enter the state folder (a clone in root's own home, say), data and socket live in a folder of their own under
`/var/lib/sos`; `STATE/postgres/location` names it, and its file `owner` names the state folder in return.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import DatabaseError
from app.storage.embedded_account import Account

ELSEWHERE = Path("/var/lib/sos")
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes on Linux and 104 on macOS, the closing zero among them.
LONGEST_SOCKET = 103
SOCKET_PREFIX = "sos-socket-"


@dataclass(frozen=True)
class Home:
    """The folder with the data and socket of a server, and the account that owns them."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    def make_socket_folder(self) -> Path:
        """Make the folder of the socket: it lets in the account and root alone, and that is the server's lock.

        A socket's path must be short and, as clients take lists of hosts, have no comma; where it cannot be so, the
        socket is in the system's folder for temporary files, under a name that nobody can foresee.
        """
        path = str(self.folder / "socket" / SOCKET_NAME)
        if len(path.encode()) > LONGEST_SOCKET or "," in path:
            return self.make_short_socket_folder()
        return self.make_folder("socket")

    def make_short_socket_folder(self) -> Path:
        """Make a folder with a short path for a socket."""
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir="/tmp"))
        self.account.take_folder(folder)
        return folder

    def make_folder(self, name: str) -> Path:
        """Make an empty folder of the account in this home, in place of one of that name."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        self.account.make_folder(folder)
        return folder

    def remove_socket_folder(self, folder: Path) -> None:
        """Remove the socket's folder once the server has ended."""
        ours = folder == self.folder / "socket" or folder.name.startswith(SOCKET_PREFIX)
        if ours and folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == self.account.uid:
            shutil.rmtree(folder, ignore_errors=True)


def find(folder: Path) -> Home | None:
    """Return the home of `STATE/postgres`, None where there is none yet.

    Raises:
        DatabaseError: the files are gone, or belong to another user or another state folder.
    """
    pointer = folder / "location"
    place = Path(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else folder
    if place != folder:
        _check_owner(place, folder)
    if not (place / "data").exists():
        return None
    return Home(place, Account.of_server(place / "data"))


def make(folder: Path, *, elsewhere: Path = ELSEWHERE) -> Home:
    """Return a home for a new server: `STATE/postgres`, or where the account may not enter that, a folder elsewhere.

    Raises:
        DatabaseError: there is no place that the account can use.
    """
    account = Account.of_server(folder / "data")
    if _is_usable(folder, account):
        return Home(folder, account)
    if not account.is_other:
        raise DatabaseError(f"{folder} cannot hold a database for {account.name}: choose another folder by SOS_STATE")
    pointer = folder / "location"
    if not pointer.exists():
        _write(pointer, _make_elsewhere(elsewhere, folder))
    place = Path(pointer.read_text(encoding="utf-8").strip())
    if not _is_usable(place, account):
        raise DatabaseError(f"account {account.name} can use neither {folder} nor {place}: choose SOS_STATE elsewhere")
    return Home(place, account)


def _is_usable(folder: Path, account: Account) -> bool:
    probe = folder / "probe"
    shutil.rmtree(probe, ignore_errors=True)
    try:
        account.make_folder(probe)
    except OSError:
        return False
    probe.rmdir()
    return True


def _make_elsewhere(elsewhere: Path, owner: Path) -> str:
    try:
        elsewhere.mkdir(mode=0o755, parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="state-", dir=elsewhere))
    except OSError as error:
        raise DatabaseError(f"no folder for the database can be made in {elsewhere}: {error}") from error
    place.chmod(0o755)
    _write(place / "owner", str(owner))
    return str(place)


def _check_owner(place: Path, folder: Path) -> None:
    """Let a state folder that was moved keep its database, and stop a copy from using the original's."""
    if not place.is_dir():
        raise DatabaseError(
            f"the database of this state folder was in {place}, which is gone: "
            f"remove {folder / 'location'} to begin anew"
        )
    owner = Path((place / "owner").read_text(encoding="utf-8").strip())
    if owner == folder:
        return
    if _points_to(owner, place):
        raise DatabaseError(
            f"{folder} is a copy of {owner}, which uses the database in {place}: "
            f"remove {folder / 'location'} to give the copy an empty database of its own"
        )
    _write(place / "owner", str(folder))


def _points_to(folder: Path, place: Path) -> bool:
    pointer = folder / "location"
    return pointer.exists() and pointer.read_text(encoding="utf-8").strip() == str(place)


def _write(file: Path, text: str) -> None:
    file.write_text(text + "\n", encoding="utf-8")
