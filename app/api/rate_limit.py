"""How often a client may ask: a bucket of requests for each, filled again at a steady rate."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import errors
from app.domain.clients import client_of
from app.domain.errors import TooManyRequestsError
from app.services.refusals import BY_LIMIT, Limit

MOST_CLIENTS = 10_000
ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass
class _Bucket:
    """Requests that a client may still make, as of a time."""

    left: float
    seen: float


class RateLimit:
    """Refuses requests of a client that has used up its bucket, with 429; each process counts its own.

    Args:
        app: what answers requests.
        per_second: requests by which a bucket is filled again; 0 for no limit.
        burst: requests that a full one holds.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self, app: ASGIApp, *, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http" and self._per_second > 0 and scope["path"] not in ALWAYS:
            wait = self._wait(client_of(scope))
            if wait > 0:
                await self._refuse(wait, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _wait(self, client: str) -> float:
        """Take a request from the client's bucket; return the seconds until there is one, 0 where there was."""
        now = self._clock()
        bucket = self._buckets.pop(client, None) or _Bucket(self._burst, now)
        bucket.left = min(self._burst, bucket.left + (now - bucket.seen) * self._per_second)
        bucket.seen = now
        self._buckets[client] = bucket
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)  # who has asked nothing for longest has the fullest bucket
        if bucket.left < 1:
            return (1 - bucket.left) / self._per_second
        bucket.left -= 1
        return 0.0

    async def _refuse(self, wait: float, scope: Scope, receive: Receive, send: Send) -> None:
        BY_LIMIT[Limit.RATE].inc()
        problem = f"more than {self._per_second:g} requests a second, after the first {self._burst}"
        answer = errors.of_error(TooManyRequestsError(problem, retry_after_s=math.ceil(wait)))
        answer.headers["RateLimit-Limit"] = str(self._burst)
        answer.headers["RateLimit-Remaining"] = "0"
        answer.headers["RateLimit-Reset"] = str(math.ceil(wait))
        await answer(scope, receive, send)
