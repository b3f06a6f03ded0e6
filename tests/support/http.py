"""The HTTP service as a client sees it, in this process, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from app.storage.engine import Database


class Service:
    """Asks the application and returns its answers."""

    def __init__(self, app: FastAPI, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self.app = app
        self._portal = portal
        self._client = client

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        """Return the answer to a GET."""

        async def ask() -> httpx.Response:
            return await self._client.get(path, params=query or None, headers=headers)

        return self._portal.call(ask)

    def post(self, path: str, content: Any, media_type: str = "text/plain", **query: Any) -> httpx.Response:
        """Return the answer to a POST."""

        async def ask() -> httpx.Response:
            headers = {"content-type": media_type}
            return await self._client.post(path, params=query or None, content=content, headers=headers)

        return self._portal.call(ask)

    def head(self, path: str, **query: Any) -> httpx.Response:
        """Return the answer to a HEAD."""

        async def ask() -> httpx.Response:
            return await self._client.head(path, params=query or None)

        return self._portal.call(ask)

    def send(self, method: str, path: str, *, client: str = "127.0.0.1", **options: Any) -> httpx.Response:
        """Return the answer to a request that comes from the address `client`; options are httpx's."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(client, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=self._client.base_url) as other:
                return await other.request(method, path, **options)

        return self._portal.call(ask)

    def rows(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """Return the rows of every page, following `next`."""
        found: list[dict[str, Any]] = []
        answer = self.get(path, **query)
        while True:
            body = answer.raise_for_status().json()
            found += body[name]
            assert body["count"] == len(body[name])
            assert body["truncated"] == (body["next"] is not None)
            if body["next"] is None:
                return found
            answer = self.get(body["next"])


@contextmanager
def serving(database: Database, *, rehearsed: bool = False, **settings: Any) -> Iterator[Service]:
    """Start the application on a database for the length of the block."""
    read = Settings(database_url=database.url, pool_size=2, stream_pool_size=2, **settings)
    app = create_app(read, rehearsed=rehearsed)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sos.test")
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield Service(app, portal, client)
        portal.call(client.aclose)
