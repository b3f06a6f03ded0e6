"""The embedded PostgreSQL: shared, stopped, recovered and upgraded, wherever it lies and whoever runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.domain.errors import DatabaseError
from app.storage import embedded_binaries, embedded_process
from app.storage.embedded import EmbeddedServer
from app.storage.embedded_account import Account
from tests.support.accounts import as_nobody, needs_root
from tests.support.servers import FAST, open_folder

START = """
import sys
from pathlib import Path
from app.storage.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1])).start(), flush=True)
"""
HOLD = """
import sys
from pathlib import Path
from app.storage.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])).lease():
    print("held", flush=True)
    sys.stdin.read()
"""
# The parent of the server that neither waits for it nor ends: a killed server stays a zombie.
NEGLECT = START + "\nsys.stdin.read()"

Make = Callable[..., EmbeddedServer]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other accounts may enter, unlike pytest's own."""
    made = open_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def make(folder: Path) -> Iterator[Make]:
    """Makes servers that are stopped when the test ends."""
    made: list[EmbeddedServer] = []

    def build(state: Path = folder / "the state", **arguments) -> EmbeddedServer:
        made.append(EmbeddedServer(state, **{"options": FAST, **arguments}))
        return made[-1]

    yield build
    for server in made:
        if server.folder.exists():
            server.stop()


def ask(url: str, question: str, *values: object) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question, values).fetchone()
    return row and row[0]


def store(url: str, value: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (body text)")
        connection.execute("INSERT INTO note VALUES (%s)", [value])


def stored(url: str) -> object:
    return ask(url, "SELECT string_agg(body, ',' ORDER BY body) FROM note")


def process(server: EmbeddedServer) -> int:
    found = server.status().process
    assert found is not None
    return found


def child(code: str, state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def first_line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def end(running: subprocess.Popen[str]) -> None:
    running.kill()
    running.communicate()


# Starting, sharing and stopping


def test_it_starts_answers_and_stops(make: Make):
    server = make()
    url = server.start()
    assert ask(url, "SELECT current_database() || current_user") == "sossos"
    assert server.status().running
    assert server.stop()
    assert not server.status().running
    assert not server.stop()


def test_a_folder_that_never_held_a_server_says_so(make: Make):
    server = make()
    assert not server.status().running
    assert not server.stop()
    assert not server.folder.exists()


def test_it_keeps_what_was_committed(make: Make):
    server = make()
    store(server.start(), "kept")
    server.stop()
    assert stored(server.start()) == "kept"


def test_the_same_server_answers_every_process(make: Make, folder: Path):
    url = make().start()
    starters = [child(START, folder / "the state") for _ in range(2)]
    assert {first_line(starter) for starter in starters} == {url}
    for starter in starters:
        end(starter)


def test_processes_that_start_it_at_once_share_one(make: Make, folder: Path):
    starters = [child(START, folder / "the state") for _ in range(3)]
    urls = {first_line(starter) for starter in starters}
    for starter in starters:
        end(starter)
    assert urls == {make().start()}
    assert (make().folder / "server.log").read_text().count("starting PostgreSQL") == 1


def test_it_outlives_the_process_that_started_it_and_the_terminal(make: Make, folder: Path):
    starter = child(START, folder / "the state")
    first_line(starter)
    end(starter)
    server = make()
    assert server.status().running
    assert os.getsid(process(server)) != os.getsid(0)


def test_two_state_folders_do_not_meet(make: Make, folder: Path):
    one, other = make(folder / "one"), make(folder / "other")
    store(one.start(), "one")
    store(other.start(), "other")
    assert (stored(one.start()), stored(other.start())) == ("one", "other")
    one.stop()
    assert stored(other.start()) == "other"


# Leases: the last user stops the server


def test_a_lease_stops_the_server_that_it_started(make: Make):
    server = make()
    with server.lease() as url:
        assert ask(url, "SELECT 1") == 1
    assert not server.status().running


def test_the_server_stays_until_its_last_user_leaves(make: Make):
    server = make()
    with server.lease():
        with make().lease() as url:
            pass
        assert ask(url, "SELECT 1") == 1
    assert not server.status().running


def test_a_server_that_was_started_to_stay_outlives_leases(make: Make):
    server = make()
    with server.lease():
        server.start()
    assert server.status().running
    assert server.status().stays


def test_a_user_in_another_process_keeps_the_server(make: Make, folder: Path):
    user = child(HOLD, folder / "the state")
    assert first_line(user) == "held"
    with make().lease():
        pass
    assert make().status().running
    user.communicate()
    assert not make().status().running


def test_a_user_that_was_killed_counts_no_longer(make: Make, folder: Path):
    user = child(HOLD, folder / "the state")
    assert first_line(user) == "held"
    end(user)
    assert make().status().running
    with make().lease():
        pass
    assert not make().status().running


# Who may come in


def test_no_network_address_is_listened_on(make: Make):
    assert ask(make().start(), "SHOW listen_addresses") == ""


def test_the_log_is_private(make: Make):
    server = make()
    server.start()
    assert server.log.stat().st_mode & 0o077 == 0


@needs_root
def test_as_root_it_runs_under_an_unprivileged_account(make: Make):
    server = make()
    server.start()
    assert Path(f"/proc/{process(server)}").stat().st_uid == Account.of_server(server.folder / "data").uid != 0


@needs_root
def test_another_account_cannot_connect(make: Make):
    url = make().start()
    found = as_nobody("import psycopg, sys; psycopg.connect(sys.argv[1])", url)
    assert found.returncode == 1
    assert "Permission denied" in found.stderr


@needs_root
def test_the_kernel_names_the_user_even_where_the_socket_is_reachable(make: Make):
    server = make()
    url = server.start()
    (server.folder / "socket").chmod(0o755)
    next((server.folder / "socket").glob(".s.PGSQL.5432")).chmod(0o777)
    found = as_nobody("import psycopg, sys; psycopg.connect(sys.argv[1])", url)
    assert "Peer authentication failed" in found.stderr


@needs_root
def test_an_ordinary_user_runs_it_too(folder: Path):
    home = folder / "ordinary"
    home.mkdir()
    os.chown(home, 65534, 65534)
    code = """
import sys, psycopg
from pathlib import Path
from app.storage.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
with server.lease() as url, psycopg.connect(url) as connection:
    print(connection.execute("SELECT current_user").fetchone()[0], server.status().account)
print(server.status().running)
"""
    found = as_nobody(code, home)
    assert (found.stdout, found.stderr) == ("sos nobody\nFalse\n", "")
    assert (home / "postgres/data").stat().st_uid == 65534


@needs_root
def test_root_runs_an_ordinary_users_database_under_that_users_account(make: Make, folder: Path):
    home = folder / "ordinary"
    home.mkdir()
    os.chown(home, 65534, 65534)
    assert as_nobody(START + "EmbeddedServer(Path(sys.argv[1])).stop()", home).stderr == ""
    server = make(home)
    server.start()
    assert server.status().account == "nobody"


@needs_root
def test_an_ordinary_user_is_told_whose_database_it_is(make: Make, folder: Path):
    server = make()
    server.start()
    server.stop()
    for path in (folder / "the state", server.folder):
        path.chmod(0o777)
    (server.folder / "lock").chmod(0o666)
    found = as_nobody(START, folder / "the state")
    owner = Account.of_server(server.folder / "data").name
    assert f"belongs to user {owner}: run this as {owner} or as root" in found.stderr


# Where it lies


@pytest.mark.parametrize("name", ["with some spaces", 'it\'s "quoted", and 100 % odd', "Größe"])
def test_any_name_of_the_state_folder_will_do(make: Make, folder: Path, name: str):
    server = make(folder / name)
    assert ask(server.start(), "SELECT 1") == 1
    assert server.status().data == folder / name / "postgres/data"


def test_a_long_path_has_its_socket_under_a_short_one(make: Make, folder: Path):
    server = make(folder / ("deep/" * 30))
    url = server.start()
    assert ask(url, "SELECT 1") == 1
    socket = Path(str(ask(url, "SHOW unix_socket_directories")).strip('"'))
    assert socket.name.startswith("sos-socket-")
    assert socket.stat().st_mode & 0o077 == 0
    server.stop()
    assert not socket.exists()


@needs_root
class TestClosedFolder:
    """A state folder that the unprivileged account may not enter, in root's own home for example."""

    @pytest.fixture
    def closed(self, folder: Path) -> Path:
        made = folder / "closed"
        made.mkdir(mode=0o700)
        return made

    def test_data_goes_elsewhere_and_is_found_again(self, make: Make, folder: Path, closed: Path):
        server = make(closed / "state", elsewhere=folder / "elsewhere")
        store(server.start(), "kept")
        data = server.status().data
        assert data is not None
        assert data.is_relative_to(folder / "elsewhere")
        server.stop()
        assert stored(make(closed / "state", elsewhere=folder / "unused").start()) == "kept"
        assert closed.stat().st_mode & 0o777 == 0o700

    def test_a_moved_state_folder_keeps_its_database(self, make: Make, folder: Path, closed: Path):
        server = make(closed / "state", elsewhere=folder / "elsewhere")
        store(server.start(), "kept")
        server.stop()
        (closed / "state").rename(closed / "moved")
        assert stored(make(closed / "moved", elsewhere=folder / "elsewhere").start()) == "kept"

    def test_a_copied_state_folder_does_not_meet_the_original(self, make: Make, folder: Path, closed: Path):
        server = make(closed / "state", elsewhere=folder / "elsewhere")
        store(server.start(), "original")
        shutil.copytree(closed / "state", closed / "copy")
        copy = make(closed / "copy", elsewhere=folder / "elsewhere")
        with pytest.raises(DatabaseError, match=r"is a copy of .*: remove .*location"):
            copy.start()
        (closed / "copy/postgres/location").unlink()
        assert ask(copy.start(), "SELECT to_regclass('note')") is None
        assert stored(server.start()) == "original"

    def test_a_lost_database_is_named(self, make: Make, folder: Path, closed: Path):
        server = make(closed / "state", elsewhere=folder / "elsewhere")
        server.start()
        server.stop()
        shutil.rmtree(folder / "elsewhere")
        with pytest.raises(DatabaseError, match=r"was in .*elsewhere.*, which is gone: remove .*location"):
            server.start()
        (server.folder / "location").unlink()

    def test_programs_in_a_closed_folder_are_copied(self, make: Make, closed: Path, monkeypatch: pytest.MonkeyPatch):
        package = embedded_binaries.packaged()[-1].parents[1]
        hidden = closed / "site-packages" / package.name
        skipped = shutil.ignore_patterns("pginstall", "include", "*.a")
        shutil.copytree(package, hidden, ignore=skipped)
        shutil.copytree(package.with_name(f"{package.name}.libs"), hidden.with_name(f"{package.name}.libs"))
        monkeypatch.setattr(embedded_binaries, "packaged", lambda: [hidden / "pginstall18/bin"])
        server = make()
        outdated = server.folder / "binaries-pginstall18-of-an-earlier-package"
        outdated.mkdir(parents=True)
        assert ask(server.start(), "SELECT 1") == 1
        assert Path(f"/proc/{process(server)}/exe").readlink().is_relative_to(server.folder)
        assert not outdated.exists()


# Other people's settings


def test_foreign_postgresql_settings_are_ignored(make: Make, monkeypatch: pytest.MonkeyPatch):
    foreign = {
        "PGHOST": "db.example.org",
        "PGPORT": "1",
        "PGUSER": "somebody",
        "PGDATABASE": "theirs",
        "PGDATA": "/nowhere",
        "PGSERVICE": "no such service",
        "PGOPTIONS": "-c search_path=nowhere",
        "PGSSLMODE": "verify-full",
        "PGCLIENTENCODING": "latin1",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    url = make().start()
    assert ask(url, "SELECT current_setting('search_path') || current_setting('client_encoding')") == (
        '"$user", publicUTF8'
    )


def test_options_take_precedence(make: Make):
    assert ask(make(options={"work_mem": "12MB"}).start(), "SHOW work_mem") == "12MB"


def test_alter_system_takes_precedence_over_ours(make: Make):
    server = make()
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET work_mem = '17MB'")
    server.stop()
    assert ask(server.start(), "SHOW work_mem") == "17MB"


def test_a_commit_is_on_disk_by_default(make: Make):
    url = make(options={}).start()
    assert [ask(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes", "jit")] == [
        "on",
        "on",
        "on",
        "off",
    ]


def test_a_setting_that_postgresql_refuses_is_reported(make: Make):
    with pytest.raises(DatabaseError, match=r"did not start: .*nonsense.*server\.log"):
        make(options={"nonsense": "1"}).start()


def test_programs_that_cannot_be_executed_are_named(make: Make, folder: Path):
    with pytest.raises(DatabaseError, match=rf"SOS_PG_BIN: account \w+ cannot execute {folder}/nothing/postgres"):
        make(binaries=folder / "nothing").start()


# After a crash


def test_a_killed_server_is_recovered(make: Make):
    server = make(options={"fsync": "off"})
    store(server.start(), "committed")
    killed = process(server)
    os.kill(killed, signal.SIGKILL)
    assert stored(server.start()) == "committed"
    assert process(server) != killed


def test_a_killed_server_that_nobody_waited_for_is_recovered(make: Make, folder: Path):
    starter = child(NEGLECT, folder / "the state")
    store(first_line(starter), "committed")
    server = make()
    killed = process(server)
    os.kill(killed, signal.SIGKILL)
    while embedded_process.is_alive(killed):
        time.sleep(0.01)
    assert Path(f"/proc/{killed}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    assert stored(server.start()) == "committed"
    end(starter)


def test_orphans_of_a_killed_server_are_ended(make: Make):
    server = make(options={"fsync": "off"})
    url = server.start()
    store(url, "committed")
    with psycopg.connect(url) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        os.kill(process(server), signal.SIGKILL)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(embedded_process.end_orphans, "__kwdefaults__", {"patience_s": 0.3})
            assert stored(server.start()) == "committed"
        assert not embedded_process.is_alive(orphan)


def test_an_innocent_process_with_the_old_number_is_left_alone(make: Make):
    server = make()
    store(server.start(), "kept")
    server.stop()
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    stale = f"{innocent.pid}\n{server.folder}/data\n0\n5432\n/nowhere\n\n\nready   \n"
    (server.folder / "data/postmaster.pid").write_text(stale)
    assert not server.status().running
    assert stored(server.start()) == "kept"
    assert innocent.poll() is None
    innocent.communicate(b"\n")


def test_a_data_folder_that_was_half_made_is_made_again(make: Make):
    server = make()
    unfinished = server.folder / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18")
    assert ask(server.start(), "SELECT 1") == 1
    assert not unfinished.exists()


def test_a_server_that_lacks_our_database_gets_it(make: Make):
    server = make()
    url = server.start()
    with psycopg.connect(url.replace("/sos?", "/postgres?"), autocommit=True) as connection:
        connection.execute("DROP DATABASE sos")
    assert ask(server.start(), "SELECT current_database()") == "sos"


def test_a_socket_that_was_removed_is_reported_and_made_again(make: Make):
    server = make()
    store(server.start(), "kept")
    (server.folder / "socket/.s.PGSQL.5432").unlink()
    with pytest.raises(DatabaseError, match=r"cannot be reached \(`sos db stop` stops it\)"):
        server.start()
    server.stop()
    assert stored(server.start()) == "kept"


# Another major version


@pytest.fixture
def sixteen(make: Make) -> EmbeddedServer:
    """A stopped server with data of PostgreSQL 16, without checksums as it was usual then."""
    server = make(binaries=embedded_binaries.packaged()[0], options={"fsync": "off"})
    store(server.start(), "sixteen")
    assert server.status().version == 16
    return server


def test_old_data_is_refused_and_upgraded(make: Make, sixteen: EmbeddedServer):
    sixteen.stop()
    server = make()
    with pytest.raises(DatabaseError, match=r"made by PostgreSQL 16 .* are 18\.\d+: run `sos db upgrade`"):
        server.start()
    kept = server.upgrade()
    assert kept == server.folder / "data.pg16"
    assert kept.exists()
    assert stored(server.start()) == "sixteen"
    assert server.status().version == 18
    assert server.upgrade() is None


def test_old_data_is_upgraded_after_a_crash(make: Make, sixteen: EmbeddedServer):
    os.kill(process(sixteen), signal.SIGKILL)
    server = make()
    server.upgrade()
    assert stored(server.start()) == "sixteen"


def test_a_second_upgrade_does_not_overwrite_what_the_first_kept(make: Make, sixteen: EmbeddedServer):
    sixteen.stop()
    (sixteen.folder / "data.pg16").mkdir()
    with pytest.raises(DatabaseError, match=r"data\.pg16 is in the way"):
        make().upgrade()
    assert stored(sixteen.start()) == "sixteen"


def test_newer_data_is_refused(make: Make):
    server = make()
    server.start()
    server.stop()
    with pytest.raises(DatabaseError, match=r"by PostgreSQL 18, which PostgreSQL 16\.\d+ cannot read: set SOS_PG_BIN"):
        make(binaries=embedded_binaries.packaged()[0]).start()


def test_nothing_to_upgrade_is_said(make: Make):
    with pytest.raises(DatabaseError, match="there is no database"):
        make().upgrade()
