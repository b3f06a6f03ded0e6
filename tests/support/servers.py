"""PostgreSQL servers and databases for tests, shared by all processes of one run."""

from __future__ import annotations

import fcntl
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from app.storage import migrate
from app.storage.embedded import EmbeddedServer
from app.storage.engine import Database, driver_url

FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "128MB"}
DEBIAN = Path("/usr/lib/postgresql")

_numbers = itertools.count()


def open_folder() -> Path:
    """Make a temporary folder that other accounts may enter: root's servers run under one of them."""
    folder = Path(tempfile.mkdtemp(prefix="sos-test-"))
    folder.chmod(0o755)
    return folder


def embedded(run_folder: Path) -> EmbeddedServer:
    """Return the embedded server of a test run."""
    return EmbeddedServer(run_folder / "state", options=FAST)


def q3c_binaries() -> Path | None:
    """Return the programs of a PostgreSQL with the real q3c extension, as Debian's packages install it."""
    installed = Path("/usr/share/postgresql").glob("*/extension/q3c.control")
    folders = (DEBIAN / control.parents[1].name / "bin" for control in sorted(installed))
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def q3c(run_folder: Path, binaries: Path) -> str:
    """Start the server that has the real q3c and return its URL."""
    url = EmbeddedServer(run_folder / "q3c", binaries=binaries, options=FAST).start()
    with _locked(run_folder), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS q3c")
    return url


def template(server_url: str, run_folder: Path) -> str:
    """Make the template database of this run once, by the migrations, and return its name."""
    name = _prefix(run_folder) + "template"
    with _locked(run_folder), psycopg.connect(server_url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            _migrate(_with_name(server_url, name))
    return name


@contextmanager
def scratch_database(server_url: str, source: str) -> Iterator[Database]:
    """Clone a database for the length of the block."""
    name = f"{_prefix(Path(os.environ['SOS_TEST_RUN_FOLDER']))}{os.getpid()}_{next(_numbers)}"
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(clone)
    database = Database(_with_name(server_url, name))
    try:
        yield database
    finally:
        database.dispose()
        _drop(server_url, name)


def clean_up(run_folder: Path, server_url: str | None) -> None:
    """Stop the servers of this run; on a server that was given, drop the run's databases."""
    for server in (embedded(run_folder), EmbeddedServer(run_folder / "q3c")):
        server.stop()
    if server_url is not None:
        with psycopg.connect(server_url, autocommit=True) as connection:
            pattern = _prefix(run_folder).replace("_", r"\_") + "%"
            names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]).fetchall()
        for (name,) in names:
            _drop(server_url, name)


def _migrate(url: str) -> None:
    database = Database(url)
    with database.begin() as connection:
        migrate.upgrade(connection)
    database.dispose()


def _drop(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _prefix(run_folder: Path) -> str:
    return run_folder.name.lower().replace("-", "_") + "_"


def _with_name(server_url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    parts = psycopg.conninfo.conninfo_to_dict(driver_url(server_url))
    head, _, tail = driver_url(server_url).removeprefix("postgresql://").partition("/")
    assert parts.get("dbname"), "the URL of the test server names a database"
    _, mark, query = tail.partition("?")
    return f"postgresql://{head}/{name}{mark}{query}"


@contextmanager
def _locked(run_folder: Path) -> Iterator[None]:
    with (run_folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
