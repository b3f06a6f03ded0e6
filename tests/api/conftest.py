"""A service on a small catalogue with two published versions, shared by all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.catalogue import Truth
from tests.support.http import Service, serving


@pytest.fixture(scope="session")
def catalogue_database(server_url: str, template: str) -> Iterator[Database]:
    """A database with the catalogue; nobody changes it."""
    with servers.scratch_database(server_url, template) as database:
        yield database


@pytest.fixture(scope="session")
def truth(catalogue_database: Database) -> Truth:
    """What the catalogue holds."""
    return catalogue.build(catalogue_database, n_versions=2)


@pytest.fixture(scope="session")
def service(catalogue_database: Database, truth: Truth) -> Iterator[Service]:
    """The service on the catalogue; version 2 is served, version 1 is kept."""
    with serving(catalogue_database) as running:
        yield running
