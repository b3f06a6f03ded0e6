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


USUAL_EXPORTS = Quota(at_once=4, kept=20, days=7)
