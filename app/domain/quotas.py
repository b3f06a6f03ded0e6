"""How much of what the service keeps one client may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """How many things of a kind a client may have.

    Attributes:
        at_once: that are not done.
        kept: that are there, done or not.
        days: for which each is kept.
    """

    at_once: int
    kept: int
    days: int


@dataclass(frozen=True)
class QueryQuota:
    """How many queries a client may have left to run.

    Attributes:
        at_once: that have not ended.
        kept: that are there, ended or not.
        bytes: of their uploads, parameters and answers.
    """

    at_once: int
    kept: int
    bytes: int


USUAL_EXPORTS = Quota(at_once=4, kept=20, days=7)
USUAL_QUERIES = QueryQuota(at_once=10, kept=100, bytes=32 << 30)
