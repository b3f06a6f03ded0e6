"""`sos db` and `sos migrate`, as a person or a script calls them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.storage import embedded_binaries
from app.storage.embedded import EmbeddedServer
from app.storage.engine import Database
from app.storage.migrate import expected_revision
from tests.support.cli import sos, start_sos
from tests.support.servers import FAST, open_folder


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder whose server is stopped when the test ends."""
    made = open_folder()
    yield made
    EmbeddedServer(made).stop()
    shutil.rmtree(made)


def test_start_status_and_stop(state: Path):
    url = sos("db", "start", state=state).stdout.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    found = sos("db", "status", "--json", state=state)
    assert found.exit_code == 0
    answer = json.loads(found.stdout)
    assert (answer["kind"], answer["running"], answer["url"], answer["schema"]) == ("embedded", True, url, "empty")
    assert "stopped" in sos("db", "stop", state=state).stderr
    assert "it was not running" in sos("db", "stop", state=state).stderr


def test_status_of_a_stopped_server_is_unavailable(state: Path):
    found = sos("db", "status", "--json", state=state)
    assert found.exit_code == 5
    assert json.loads(found.stdout)["running"] is False
    assert not (state / "postgres").exists()


def test_a_started_server_outlives_its_command(state: Path):
    starter = start_sos("db", "start", SOS_STATE=state)
    url, messages = starter.communicate()
    assert (starter.returncode, messages) == (0, "")
    with psycopg.connect(url.strip()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_migrate_twice_and_read_the_schema(state: Path):
    assert f"schema empty -> {expected_revision()}" in sos("migrate", state=state).stderr
    assert f"schema {expected_revision()}, as before" in sos("migrate", state=state).stderr
    assert not EmbeddedServer(state).status().running


def test_the_option_precedes_the_environment(state: Path, tmp_path: Path):
    sos("--state", state, "migrate", state=tmp_path / "other")
    assert (state / "postgres/data").exists()
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_stops_the_server_it_started(state: Path, request_to_end: signal.Signals):
    connection = psycopg.connect(EmbeddedServer(state, options=FAST).start())
    # A migration waits for this lock, so that the command is certainly at work when it is asked to end.
    connection.execute("SELECT pg_advisory_xact_lock(8273645)")
    (state / "postgres/stay").unlink()
    running = start_sos("migrate", SOS_STATE=state)
    while not connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
        assert running.poll() is None
    os.kill(running.pid, request_to_end)
    running.communicate(timeout=120)
    connection.close()
    assert running.returncode == 128 + request_to_end
    assert not EmbeddedServer(state).status().running


def test_upgrade_says_where_the_old_data_is(state: Path):
    old = EmbeddedServer(state, binaries=embedded_binaries.packaged()[0], options=FAST)
    old.start()
    old.stop()
    refused = sos("migrate", state=state)
    assert (refused.exit_code, "run `sos db upgrade`" in refused.stderr) == (5, True)
    assert f"the old data is kept in {state}/postgres/data.pg16" in sos("db", "upgrade", state=state).stderr
    assert "nothing to do" in sos("db", "upgrade", state=state).stderr
    assert sos("migrate", state=state).exit_code == 0


def test_a_dump_is_restored_into_an_empty_database_alone(state: Path):
    first, second, file = state / "first", state / "second", state / "sos.dump"
    sos("migrate", state=first)
    with EmbeddedServer(first).lease() as url, psycopg.connect(url) as connection:
        connection.execute("INSERT INTO artifact VALUES ('abc', 'text/plain', 'kept')")
    assert sos("db", "dump", file, state=first).exit_code == 0
    assert sos("db", "dump", file, state=first).exit_code == 4
    assert sos("db", "restore", file, state=second).exit_code == 0
    with EmbeddedServer(second).lease() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT content FROM artifact").fetchone() == (b"kept",)
    refused = sos("db", "restore", file, state=second)
    assert (refused.exit_code, "is not empty" in refused.stderr) == (4, True)
    assert not EmbeddedServer(second).status().running


def test_what_is_no_dump_is_refused(state: Path):
    (state / "notes.txt").write_text("no dump")
    found = sos("db", "restore", state / "notes.txt", state=state)
    assert (found.exit_code, "pg_restore failed" in found.stderr) == (5, True)
    assert sos("db", "restore", state / "nothing", state=state).exit_code == 2


def test_another_server_is_described_without_its_password(database: Database):
    found = sos("db", "status", "--json", database=Database(database.url.replace("@", ":secret@", 1)))
    assert found.exit_code == 0
    assert "secret" not in found.stdout
    assert json.loads(found.stdout)["schema"] == expected_revision()


def test_another_server_is_neither_started_nor_stopped(database: Database):
    for command in ("start", "stop", "upgrade"):
        found = sos("db", command, database=database)
        assert (found.exit_code, "SOS_DATABASE_URL names another server" in found.stderr) == (4, True)


def test_another_server_that_does_not_answer_is_unavailable():
    found = sos("db", "status", database=Database("postgresql://nobody@127.0.0.1:1/nothing"))
    assert found.exit_code == 5
    assert "cannot be reached" in found.stderr
