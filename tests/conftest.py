"""Fixtures: a real PostgreSQL built by the migrations, one fresh database per test, and the real survey tables."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.engine import Database
from tests.support import servers

RUN_FOLDER = "SOS_TEST_RUN_FOLDER"
SERVER = "SOS_TEST_DATABASE_URL"
REPOSITORY = Path(__file__).resolve().parents[1]
REAL_DATA = REPOSITORY.parent / "shared" / "data" / "real"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the caller's settings out of the tests; the first process makes the folder that all of them share."""
    for name in [name for name in os.environ if name.startswith("SOS_") and not name.startswith("SOS_TEST_")]:
        del os.environ[name]
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = str(servers.open_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop what this run made; only the first process does, after the others have ended."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(RUN_FOLDER))
    servers.clean_up(folder, os.environ.get(SERVER))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """The folder that all processes of this test run share."""
    return Path(os.environ[RUN_FOLDER])


@pytest.fixture(scope="session")
def server_url(run_folder: Path) -> str:
    """URL of the maintenance database of the test server: SOS_TEST_DATABASE_URL, or an embedded server."""
    return os.environ.get(SERVER) or servers.embedded(run_folder).start()


@pytest.fixture(scope="session")
def template(server_url: str, run_folder: Path) -> str:
    """Name of a database with the current schema and no rows, to be cloned."""
    return servers.template(server_url, run_folder)


@pytest.fixture
def empty_database(server_url: str) -> Iterator[Database]:
    """A database without any schema."""
    with servers.scratch_database(server_url, "template1") as database:
        yield database


@pytest.fixture
def database(server_url: str, template: str) -> Iterator[Database]:
    """A database with the current schema and no rows."""
    with servers.scratch_database(server_url, template) as database:
        yield database


@pytest.fixture(scope="session")
def q3c_url(run_folder: Path) -> str:
    """URL of a PostgreSQL database with the real q3c extension."""
    binaries = servers.q3c_binaries()
    if binaries is None:
        pytest.skip("the real q3c is not installed (Debian: apt-get install postgresql-15-q3c)")
    return servers.q3c(run_folder, binaries)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real survey tables."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real survey tables: {REAL_DATA} is missing")
    return REAL_DATA
