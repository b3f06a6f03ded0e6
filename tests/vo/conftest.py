"""A service on the small catalogue, asked through the Virtual Observatory's doors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.services.queries import Queries
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS
from tests.support import catalogue, servers
from tests.support.adql import ask
from tests.support.catalogue import Truth
from tests.support.vo import listening

Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def vo_database(server_url: str, template: str) -> Iterator[Database]:
    """A database with the catalogue; nobody changes it."""
    with servers.scratch_database(server_url, template) as database:
        yield database


@pytest.fixture(scope="session")
def truth(vo_database: Database) -> Truth:
    """What the catalogue holds."""
    return catalogue.build(vo_database, n_versions=2)


@pytest.fixture(scope="session")
def queries(vo_database: Database, truth: Truth) -> Iterator[Queries]:
    """The service that answers queries; version 2 is published."""
    database = Database(vo_database.url, options=LONG_OPTIONS, size=2)
    yield Queries(database)
    database.dispose()


@pytest.fixture(scope="session")
def adql(queries: Queries) -> Ask:
    """Asks in ADQL and returns the rows."""
    return lambda text, *uploads, **options: ask(queries, text, *uploads, **options)[1]


@pytest.fixture(scope="session")
def address(vo_database: Database, truth: Truth, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service listens."""
    with listening(vo_database, tmp_path_factory.mktemp("state")) as url:
        yield url


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    """Asks the service over HTTP."""
    with httpx.Client(base_url=address, timeout=60) as asking:
        yield asking
