"""How many requests there are of each route, and how long they take.

The figures are named by routes, `/v1/stars/{id}`, never by paths: there are as many paths as there are stars, and
whoever asks for what does not exist adds none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROUTE = "sos.route"
"""Where in the scope of a request the name of its route stands, if not where the framework leaves it."""
NOWHERE = "none"
_DESCRIPTION = "/openapi.json"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLASSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")

_BOUNDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)

IN_PROGRESS = Gauge(
    "sos_http_requests_in_progress", "Requests whose answers have not ended", multiprocess_mode="livesum"
)
REQUESTS = Counter("sos_http_requests", "Requests that were answered", ("route", "method", "status"))
SECONDS = Histogram(
    "sos_http_request_duration_seconds",
    "From the first look at a request to the last byte of its answer",
    ("route", "method"),
    buckets=_BOUNDS,
)


class _Alike:
    """Requests of one kind since they were last added to the figures: how many took how long, and all seconds."""

    __slots__ = ("_labels", "new", "seconds")

    def __init__(self, route: str, method: str, status: str) -> None:
        self._labels = route, method, status
        self.new = [0] * (len(_BOUNDS) + 1)
        self.seconds = 0.0

    def write_down(self) -> None:
        """Add them to the figures."""
        new, self.new = self.new, [0] * len(self.new)
        seconds, self.seconds = self.seconds, 0.0
        REQUESTS.labels(*self._labels).inc(sum(new))
        figures = SECONDS.labels(*self._labels[:2])
        # The library can only observe one by one.
        figures._sum.inc(seconds)  # noqa: SLF001
        for bucket, count in zip(figures._buckets, new, strict=True):  # noqa: SLF001
            bucket.inc(count)


class _Requests:
    """The requests of this process: those whose answers have not ended, and the others by kind."""

    def __init__(self) -> None:
        self.in_progress = 0
        self.by_kind: dict[tuple[str, str, int], _Alike] = {}

    def write_down(self) -> None:
        """Add what has come since the last time to the figures: one by one it would cost as much as the measuring."""
        IN_PROGRESS.set(self.in_progress)
        for alike in list(self.by_kind.values()):
            alike.write_down()

    def of_kind(self, route: str, method: str, status: int) -> _Alike:
        """Return the requests of a kind that has not come before; there are only so many kinds."""
        kind = _CLASSES[status // 100] if 100 <= status < 600 else _CLASSES[0]
        return self.by_kind.setdefault((route, method, status), _Alike(route, method, kind))


SEEN = _Requests()


class Measuring:
    """Counts requests and measures how long their answers take; stands before everything else that answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count it when its answer has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        def send_seen(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        seen = SEEN
        seen.in_progress += 1
        began = perf_counter()
        try:
            await self._app(scope, receive, send_seen)
        finally:
            seconds = perf_counter() - began
            seen.in_progress -= 1
            method = scope["method"]
            kind = (scope.get(ROUTE) or route_of(scope), method if method in _METHODS else "other", status)
            alike = seen.by_kind.get(kind) or seen.of_kind(*kind)
            alike.new[bisect_left(_BOUNDS, seconds)] += 1
            alike.seconds += seconds


def route_of(scope: Scope) -> str:
    """Return the route that answers a request, as it is written in the description of the calls."""
    known: str | None = scope.get(ROUTE)
    if known is not None:
        return known
    route = scope.get("route")
    if route is not None:
        return str(route.path_format)
    below: str = scope.get("root_path", "").removeprefix(scope.get("app_root_path", scope.get("root_path", "")))
    return below or (_DESCRIPTION if scope["path"] == _DESCRIPTION else NOWHERE)
