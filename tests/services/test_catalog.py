"""One statement answers a request, whichever version is published."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from app.domain.catalog import Page, Rows
from app.domain.errors import NotPublishedError
from app.domain.sky import Cone
from app.domain.versions import VersionState
from app.services.catalog import Catalog
from app.storage.catalog import CatalogReader, Reading

CONE, PAGE = Cone(10.0, 20.0, 1.0), Page(100, None)


class Statements:
    """Reads cones of a catalogue without stars, and notes which version each statement ran on, 0 for none."""

    def __init__(self, published: int | None) -> None:
        self.published = published
        self.ran: list[int] = []

    async def served(self, version: int) -> Reading[None]:
        """Return what is published."""
        self.ran.append(version)
        return Reading(self.published, None, None)

    async def cone(self, version: int, cone: Cone, page: Page) -> Reading[Rows]:
        """Return no stars."""
        self.ran.append(version)
        return Reading(self.published, VersionState.PUBLISHED, Rows(version, b"[]", 0, None))


def asked(catalog: Catalog, version: int | None = None) -> int | None:
    """Return which version a cone was read from."""
    return asyncio.run(catalog.cone(CONE, PAGE, version)).version


def test_the_published_version_is_looked_up_once():
    statements = Statements(published=3)
    catalog = Catalog(cast(CatalogReader, statements))
    assert [asked(catalog) for _ in range(3)] == [3, 3, 3]
    assert statements.ran == [0, 3, 3, 3]


def test_another_version_is_read_as_soon_as_it_is_published():
    statements = Statements(published=3)
    catalog = Catalog(cast(CatalogReader, statements))
    asked(catalog)
    statements.published, statements.ran = 4, []
    assert [asked(catalog) for _ in range(3)] == [4, 4, 4]
    assert statements.ran == [3, 4, 4, 4]


def test_a_version_that_is_asked_for_takes_one_statement_whatever_is_published():
    statements = Statements(published=3)
    catalog = Catalog(cast(CatalogReader, statements))
    assert [asked(catalog, 2), asked(catalog, 2), asked(catalog)] == [2, 2, 3]
    assert statements.ran == [2, 2, 3]


def test_nothing_is_read_before_a_version_is_published():
    statements = Statements(published=None)
    catalog = Catalog(cast(CatalogReader, statements))
    for _ in range(2):
        with pytest.raises(NotPublishedError):
            asked(catalog)
    assert statements.ran == [0, 0]
