"""A client that asks too often has to wait, and only that one; what it asks in time is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from app.api import rate_limit
from app.api.rate_limit import RateLimit
from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.http import serving


class Clock:
    """A clock that stands where it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def ask(limit: RateLimit, client: str | None, path: str = "/v1/cone") -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer to a request."""
    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": client and (client, 1)}
        await limit(scope, None, send)

    asyncio.run(run())
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_empties_and_fills_at_its_rate(clock: Clock):
    limit = RateLimit(PlainTextResponse("yes"), per_second=0.5, burst=3, clock=clock)
    assert [ask(limit, "10.0.0.1")[0] for _ in range(4)] == [200, 200, 200, 429]
    status, headers = ask(limit, "10.0.0.1")
    assert (status, headers["retry-after"], headers["content-type"]) == (429, "2", "application/problem+json")
    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"], headers["ratelimit-reset"]) == ("3", "0", "2")
    clock.now += int(headers["retry-after"])
    assert [ask(limit, "10.0.0.1")[0] for _ in range(2)] == [200, 429]
    clock.now += 1_000
    assert [ask(limit, "10.0.0.1")[0] for _ in range(4)] == [200, 200, 200, 429]


def test_clients_do_not_wait_for_each_other(clock: Clock):
    limit = RateLimit(PlainTextResponse("yes"), per_second=1, burst=1, clock=clock)
    for client in ("10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8:0:1::1", "name", None):
        assert [ask(limit, client)[0] for _ in range(2)] == [200, 429]
    assert ask(limit, "2001:db8::ffff")[0] == 429, "one user has many addresses of IPv6"


def test_health_is_always_answered_and_zero_is_no_limit(clock: Clock):
    limit = RateLimit(PlainTextResponse("yes"), per_second=1, burst=1, clock=clock)
    assert {ask(limit, "10.0.0.1", path)[0] for path in ("/healthz", "/readyz", "/metrics") for _ in range(5)} == {200}
    none = RateLimit(PlainTextResponse("yes"), per_second=0, burst=1, clock=clock)
    assert {ask(none, "10.0.0.1")[0] for _ in range(5)} == {200}


def test_memory_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rate_limit, "MOST_CLIENTS", 3)
    limit = RateLimit(PlainTextResponse("yes"), per_second=1, burst=1, clock=clock)
    for number in range(5):
        ask(limit, f"10.0.0.{number}")
    assert list(limit._buckets) == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]


def test_the_service_limits_every_call(catalogue_database: Database, truth: Truth):
    with serving(catalogue_database, rate_limit=0.001, rate_burst=3) as service:
        answers = [service.get(path) for path in ("/v1/stars/sos:11", "/v1/surveys", "/nothing", "/v1/catalog", "/")]
        assert [answer.status_code for answer in answers] == [200, 200, 404, 429, 429]
        assert answers[3].json()["type"] == "urn:sos:problem:too-many-requests"
        assert int(answers[3].headers["retry-after"]) > 900
        assert service.get("/readyz").status_code == 200
