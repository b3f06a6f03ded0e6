"""Requests that were refused because their client asks too much."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter


class Limit(StrEnum):
    """What a client can go over: requests a second, wrong keys a minute."""

    RATE = "rate"
    KEYS = "keys"


REFUSALS = Counter("sos_refused_requests", "Requests answered with 429, by the limit that was passed", ("limit",))
BY_LIMIT = {limit: REFUSALS.labels(limit) for limit in Limit}
