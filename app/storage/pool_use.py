"""How far pools of connections are used, and how long their users wait for one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from prometheus_client import Histogram

WAITS = Histogram(
    "sos_database_pool_wait_seconds",
    "Waits for a database connection, of those who found none free",
    ("pool",),
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30),
)


@dataclass(frozen=True)
class PoolUse:
    """Connections that a pool may have, those in use, and how many users wait for one."""

    name: str
    size: int
    in_use: int
    waiting: int


class Waits:
    """Those who wait for a connection of one pool; threads may wait side by side."""

    def __init__(self, pool: str) -> None:
        self.waiting = 0
        self._seconds = WAITS.labels(pool)
        self._lock = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a wait, which lasts as long as the block, whether it ends with a connection or in vain."""
        began = time.perf_counter()
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)
            self._seconds.observe(time.perf_counter() - began)

    def _change(self, by: int) -> None:
        with self._lock:
            self.waiting += by
