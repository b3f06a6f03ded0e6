"""How often an address may give a wrong key."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from app.domain.errors import TooManyRequestsError
from app.services.refusals import BY_LIMIT, Limit

LIMIT = 10
WINDOW_S = 60.0
_ADDRESSES = 10_000


@dataclass
class _Record:
    """The times of an address's last failures, and how many of its requests were refused since the last of them."""

    failures: deque[float] = field(default_factory=lambda: deque(maxlen=LIMIT))
    refused: int = 0


class Guesses:
    """Counts failures by client address in this process; after ten within a minute the address has to wait.

    Args:
        clock: seconds, of any beginning.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._lock = Lock()

    def check(self, client: str) -> None:
        """Let an address go on that has not failed too often.

        Raises:
            TooManyRequestsError: it has to wait.
        """
        with self._lock:
            record = self._records.get(_origin(client))
            if record is None or len(record.failures) < LIMIT:
                return
            wait = record.failures[0] + WINDOW_S - self._clock()
            if wait <= 0:
                return
            record.refused += 1
            BY_LIMIT[Limit.KEYS].inc()
            problem = f"{LIMIT} keys from this address were wrong within a minute"
            raise TooManyRequestsError(problem, retry_after_s=math.ceil(wait), count=record.refused)

    def failed(self, client: str) -> None:
        """Count a failure of an address."""
        now = self._clock()
        with self._lock:
            record = self._records.setdefault(_origin(client), _Record())
            record.failures.append(now)
            record.refused = 0
            if len(self._records) > _ADDRESSES:
                self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the addresses that have waited long enough, and of the others those with the fewest failures."""
        young = [item for item in self._records.items() if item[1].failures[-1] > now - WINDOW_S]
        young.sort(key=lambda item: len(item[1].failures))
        self._records = dict(young[-_ADDRESSES // 2 :])


def _origin(client: str) -> str:
    """Return what counts as one address: of IPv6 the first half, for a subscriber has all of the second."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return client
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(address), 64), strict=False))
