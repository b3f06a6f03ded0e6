"""PostgreSQL without a server to install: a private server in the state folder.

It listens on a Unix socket alone, in a folder that lets in its own account and root; the kernel says who connects
(peer authentication), so there is no password to keep and no port to collide on. Any number of processes share the
server: `lease` starts it for the first of them and stops it after the last, `start` lets it stay until `stop`.
See docs/decisions/0001-embedded-postgresql.md.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.domain.errors import DatabaseError
from app.storage import embedded_home, embedded_process, embedded_upgrade
from app.storage.embedded_account import forget_foreign_settings
from app.storage.embedded_binaries import Binaries, choose, of_major
from app.storage.embedded_cluster import (
    check_version,
    clear_after_crash,
    data_version,
    make_cluster,
    write_configuration,
)
from app.storage.embedded_connection import answers, running_url, socket_folder
from app.storage.embedded_home import Home
from app.storage.embedded_tuning import machine, tuning

# Crash recovery replays at most `max_wal_size` of log; a slow disk needs minutes for that.
START_PATIENCE_S = 600.0
STOP_PATIENCE_S = 120.0
REFUSAL_PATIENCE_S = 2.0
LARGEST_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class ServerStatus:
    """What is known about the server of a state folder."""

    running: bool
    stays: bool
    version: int | None
    url: str | None
    process: int | None
    account: str | None
    data: Path | None
    log: Path


class EmbeddedServer:
    """The PostgreSQL server of a state folder.

    Args:
        state: the state folder; the server is in its subfolder `postgres`.
        binaries: folder of other PostgreSQL programs than those of the Python package.
        options: server settings that take precedence over ours.
        elsewhere: where data goes that root's unprivileged account could not reach in the state folder.
    """

    def __init__(
        self,
        state: Path,
        *,
        binaries: Path | None = None,
        options: Mapping[str, str] | None = None,
        elsewhere: Path = embedded_home.ELSEWHERE,
    ) -> None:
        self.folder = state.absolute() / "postgres"
        self.binaries = binaries
        self.options = dict(options or {})
        self.elsewhere = elsewhere

    @property
    def log(self) -> Path:
        """What the server reported."""
        return self.folder / "server.log"

    @property
    def _stay(self) -> Path:
        return self.folder / "stay"

    def start(self) -> str:
        """Start the server, or attach to it where it runs, and let it stay until `stop`; return its URL.

        Raises:
            DatabaseError: it cannot be started; the message says why and where its log is.
        """
        with self.locked():
            url = self._ensure_running()
            self._stay.touch()
        return url

    @contextmanager
    def lease(self) -> Iterator[str]:
        """Use the server for the length of the block, started where it does not run yet.

        The last of its users stops it, unless it was asked to stay. A user that is killed counts no longer: users are
        shared file locks, which the kernel drops.

        Raises:
            DatabaseError: it cannot be started; the message says why and where its log is.
        """
        with self.locked():
            users = os.open(self.folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                url = self._ensure_running()
            except BaseException:
                os.close(users)
                raise
        try:
            yield url
        finally:
            self._leave(users)

    def stop(self) -> bool:
        """Stop the server, whoever uses it; False where it did not run."""
        if not self.folder.exists():
            return False
        with self.locked():
            self._stay.unlink(missing_ok=True)
            return self._shut_down()

    def status(self) -> ServerStatus:
        """Return what is known about the server, without starting it."""
        home = embedded_home.find(self.folder) if self.folder.exists() else None
        if home is None:
            return ServerStatus(False, False, None, None, None, None, None, self.log)
        process = embedded_process.postmaster(home.data)
        return ServerStatus(
            running=process is not None,
            stays=process is not None and self._stay.exists(),
            version=data_version(home.data),
            url=running_url(home) if process else None,
            process=process,
            account=home.account.name,
            data=home.data,
            log=self.log,
        )

    def upgrade(self, old_binaries: Path | None = None) -> Path | None:
        """Bring the data folder to the major version of the programs; clients are disconnected.

        Args:
            old_binaries: folder of the programs that made the data, where neither the Python package nor Debian has
                them.

        Returns:
            Where the old data folder is kept; None if there was nothing to do.

        Raises:
            DatabaseError: there is no database, the old programs are missing, or pg_upgrade refuses.
        """
        with self.locked():
            home = embedded_home.find(self.folder)
            if home is None:
                raise DatabaseError(f"there is no database in {self.folder.parent}")
            new = choose(self.binaries, home.account, home.folder)
            found = data_version(home.data)
            if found == new.major:
                return None
            if found > new.major:
                check_version(home.data, new)
            old = Binaries(old_binaries, home.account) if old_binaries else of_major(found, home.account, home.folder)
            self._stop_properly(home, old)
            kept = embedded_upgrade.upgrade(home, old, new)
            self._refresh_statistics(home, new)
        return kept

    def _stop_properly(self, home: Home, binaries: Binaries) -> None:
        """Start and stop the old server, so that whatever a crash left is recovered by the version that wrote it."""
        self._shut_down()
        self._launch(home, binaries)
        self._shut_down()

    def _refresh_statistics(self, home: Home, binaries: Binaries) -> None:
        """Let the planner know the tables: not every version carries its statistics over."""
        self._launch(home, binaries)
        with psycopg.connect(running_url(home), autocommit=True) as connection:
            connection.execute("ANALYZE")
        self._shut_down()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from starting or stopping the server during the block."""
        self._make_folder()
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.folder.chmod(0o755)
        except OSError as error:
            raise DatabaseError(f"the state folder {self.folder.parent} cannot be made: {error}") from error

    def _leave(self, users: int) -> None:
        with self.locked():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(users)
            if not self._stay.exists():
                self._shut_down()

    def _ensure_running(self) -> str:
        forget_foreign_settings()
        home = embedded_home.find(self.folder) or embedded_home.make(self.folder, elsewhere=self.elsewhere)
        process = embedded_process.postmaster(home.data)
        if process is None or not self._is_ready(home, process):
            self._launch(home, choose(self.binaries, home.account, home.folder))
        return running_url(home)

    def _launch(self, home: Home, binaries: Binaries) -> None:
        if not home.data.exists():
            make_cluster(home.account, binaries, home.data)
        check_version(home.data, binaries)
        clear_after_crash(home)
        socket = home.make_socket_folder()
        write_configuration(home.account, home.data, socket, {**tuning(*machine()), **self.options})
        process = self._spawn(home, binaries)
        try:
            ready = self._is_ready(home, process)
        except BaseException:
            self._end(process)
            raise
        if not ready:
            raise DatabaseError(f"PostgreSQL did not start: {self._last_words()} (all of it in {self.log})")

    def _spawn(self, home: Home, binaries: Binaries) -> int:
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with open(self.log, "ab", opener=_private) as log:
            child = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                [binaries.program("postgres"), "-D", home.data],
                **home.account.process_arguments(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # The server outlives this process and is watched by its number; an unset code would be reported as a leak.
        child.returncode = 0
        return child.pid

    def _is_ready(self, home: Home, process: int) -> bool:
        """Wait until the server answers; False if it ends instead."""
        started = time.monotonic()
        refused_since = None
        while embedded_process.is_alive(process):
            try:
                if answers(home):
                    return True
            except DatabaseError:
                # A killed server lives on for a moment and takes connections that it cannot serve.
                refused_since = refused_since or time.monotonic()
                if time.monotonic() - refused_since > REFUSAL_PATIENCE_S:
                    raise
            if time.monotonic() - started > START_PATIENCE_S:
                raise DatabaseError(f"PostgreSQL (process {process}) does not answer; its log is {self.log}")
            time.sleep(0.02)
        return False

    def _shut_down(self) -> bool:
        home = embedded_home.find(self.folder)
        process = embedded_process.postmaster(home.data) if home else None
        if home is None or process is None:
            return False
        socket = socket_folder(home)
        self._end(process)
        if socket is not None:
            home.remove_socket_folder(socket)
        return True

    def _end(self, process: int) -> None:
        """End a server: clients are disconnected, and what it committed is on disk."""
        for kind in (signal.SIGINT, signal.SIGQUIT):
            os.kill(process, kind)
            if embedded_process.wait_until_gone(process, patience_s=STOP_PATIENCE_S):
                return
        raise DatabaseError(f"PostgreSQL (process {process}) does not stop; its log is {self.log}")

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-2:]) or "it said nothing"


def _private(path: str, flags: int) -> int:
    """Open a file that nobody else may read: errors in the log quote statements."""
    return os.open(path, flags, 0o600)
