"""A database of its own for a measurement, dropped when it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from app.storage.engine import Database, driver_url


@contextmanager
def scratch_database(url: str, purpose: str) -> Iterator[Database]:
    """Yield a new, empty database on the server of `url`."""
    name = f"bench_{purpose}_{os.getpid()}"
    with psycopg.connect(driver_url(url), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = Database(urlsplit(driver_url(url))._replace(path=f"/{name}").geturl())
        try:
            yield database
        finally:
            database.dispose()
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
