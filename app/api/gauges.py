"""What a process knows of itself: requests that came and are being answered, connections that are in use.

It is written down when someone asks for it. Where several processes answer, whichever is asked speaks for all, so each
writes its own down every two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

from prometheus_client import Gauge

from app.api import processes
from app.api.measuring import SEEN
from app.factory import Factory
from app.storage.pool_use import PoolUse

EVERY_S = 2.0

_Mode: TypeAlias = Literal["livesum"]
_SUM: _Mode = "livesum"
SIZE = Gauge("sos_database_pool_size", "Connections that a pool may have", ("pool",), multiprocess_mode=_SUM)
IN_USE = Gauge("sos_database_pool_in_use", "Connections of a pool in use", ("pool",), multiprocess_mode=_SUM)
WAITING = Gauge("sos_database_pool_waiting", "Those who wait for a connection", ("pool",), multiprocess_mode=_SUM)


def note(pools: Iterable[PoolUse]) -> None:
    """Write down what this process knows of itself."""
    SEEN.write_down()
    for pool in pools:
        SIZE.labels(pool.name).set(pool.size)
        IN_USE.labels(pool.name).set(pool.in_use)
        WAITING.labels(pool.name).set(pool.waiting)


@asynccontextmanager
async def noted(factory: Factory) -> AsyncIterator[None]:
    """Write down every two seconds what this process knows, if it is one of several, until the block ends."""
    if processes.FOLDER is None:
        yield
        return
    noting = asyncio.create_task(_note_for_ever(factory))
    try:
        yield
    finally:
        noting.cancel()
        note(factory.pools())


async def _note_for_ever(factory: Factory) -> None:
    while True:
        note(factory.pools())
        await asyncio.sleep(EVERY_S)
