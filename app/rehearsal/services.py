"""The other services whose code is loaded when it is first asked for."""

from __future__ import annotations

from app.factory import Factory


def rehearse(factory: Factory) -> None:
    """Make each of them."""
    for make in (factory.diffs, factory.user_surveys, factory.user_requests, factory.requests):
        make()
