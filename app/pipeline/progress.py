"""How a long step says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int | None], None]
"""Takes how much is done and how much there is, None where that is not known."""


def silent(done: int, total: int | None) -> None:
    """Say nothing."""
