"""The short way for hot calls answers exactly as the framework's own way."""

from __future__ import annotations

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from starlette.middleware import Middleware

from app.api.lean import LeanRoutes
from app.main import create_app
from app.settings import Settings
from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.http import Service

CALLS = [
    "/v1/stars/sos:11",
    "/v1/stars/sos%3A11?version=1",
    "/v1/stars/alpha_dr1:A%2F0%20%2B1",
    "/v1/stars/sos:2",
    "/v1/stars/x",
    "/v1/stars/sos:11?columns=teff",
    "/v1/stars/",
    "/v1/stars/alpha_dr1:A%2F0%20%2B1/provenance",
    "/v1/cone?ra=150&dec=%2B2&radius=30&limit=2",
    "/v1/cone?ra=150&dec=2&radius=30&limit=2&limit=3",
    "/v1/cone?ra=10:00:00&dec=+02:00:00&radius=30",
    "/v1/cone?ra=150&dec=2&radius=30&version=7",
    "/v1/cone?ra=&dec=2&radius=3",
    "/v1/cone?ra=1",
    "/v1/cone/",
]


@pytest.mark.parametrize("path", CALLS)
def test_both_ways_answer_alike(service: Service, catalogue_database: Database, truth: Truth, path: str):
    app = create_app(Settings(database_url=catalogue_database.url))
    app.user_middleware = [one for one in app.user_middleware if one.cls is not LeanRoutes]
    assert all(isinstance(one, Middleware) for one in app.user_middleware)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://sos.test") as client,
        ):
            return await client.get(path)

    with start_blocking_portal() as portal:
        slow = portal.call(ask)
    fast = service.get(path)
    assert (fast.status_code, fast.content, dict(fast.headers)) == (slow.status_code, slow.content, dict(slow.headers))
