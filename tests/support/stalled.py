"""A client that neither goes away nor takes anything of an answer's body."""

from __future__ import annotations

import anyio
from starlette.types import Message


async def receive() -> Message:
    """Never hear of its going."""
    await anyio.sleep_forever()
    raise AssertionError


async def send(message: Message) -> None:
    """Take the head of the answer alone."""
    if message.get("body"):
        await anyio.sleep_forever()
