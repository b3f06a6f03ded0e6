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
    f"/v1/cone?{'&'.join(f'parameter_{place}=1' for place in range(40))}",
]
HEADERS = [{"accept-encoding": "identity"}, {"accept-encoding": "br, gzip;q=0.5"}, {}]


@pytest.mark.parametrize("path", CALLS)
def test_both_ways_answer_alike(service: Service, catalogue_database: Database, truth: Truth, path: str):
    app = create_app(Settings(database_url=catalogue_database.url))
    app.user_middleware = [one for one in app.user_middleware if one.cls is not LeanRoutes]
    assert all(isinstance(one, Middleware) for one in app.user_middleware)

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://sos.test") as client,
        ):
            return [await client.get(path, headers=headers) for headers in HEADERS]

    with start_blocking_portal() as portal:
        slow = portal.call(ask)
    fast = [service.get(path, headers=headers) for headers in HEADERS]
    assert [summary(answer) for answer in fast] == [summary(answer) for answer in slow]


def test_a_client_that_has_an_answer_gets_none_compressed_or_not(service: Service):
    for headers in HEADERS:
        tag = service.get("/v1/stars/sos:11", headers=headers).headers["etag"]
        again = service.get("/v1/stars/sos:11", headers={**headers, "if-none-match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag.removeprefix("W/"))
        assert "content-encoding" not in again.headers


def summary(answer: httpx.Response) -> tuple[int, bytes, int, dict[str, str]]:
    """Return everything that a client sees of an answer."""
    return answer.status_code, answer.content, answer.num_bytes_downloaded, dict(answer.headers)
