"""`/metrics`: what who runs the service watches, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import prometheus_client
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.responses import Response

from app.api import database_metrics, gauges, processes
from app.api.context import Context
from app.api.models import examples
from app.factory import Factory
from app.services.figures import Found

PATIENCE_S = 3.0

router = APIRouter(tags=["health"])

# Each count would have a second number for the time of its beginning.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every figure with its meaning",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": examples.METRICS},
            "application/openmetrics-text": {"schema": {"type": "string"}},
        },
    }
}


class _Everything(Collector):
    """The figures of the processes and of the database."""

    def __init__(self, found: Found | None) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        yield from processes.figures()
        yield from database_metrics.families(self._found)


@router.get("/metrics", response_class=Response, responses=_DOCUMENTED)
async def metrics(context: Context) -> Response:
    """Requests, streams, connections, jobs, workers and the published version as figures for Prometheus."""
    gauges.note(context.factory.pools())
    everything = _Everything(await _found(context.factory))
    encode, media_type = choose_encoder(context.request.headers.get("accept", ""))
    body = await to_thread.run_sync(encode, everything)
    return Response(body, media_type=media_type, headers={"Cache-Control": "no-store"})


async def _found(factory: Factory) -> Found | None:
    """Return what the database says, None where it says nothing in time; one thread at most waits for it."""
    with anyio.move_on_after(PATIENCE_S):
        return await to_thread.run_sync(factory.figures().read, abandon_on_cancel=True, limiter=_ONE)
    return None


_ONE = CapacityLimiter(1)
