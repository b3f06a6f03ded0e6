"""Head and body of an answer in one piece on the line: in two, each is a call of the system, and wakes the client."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD, _END_OF_HEAD = b"HTTP/1.1 ", b"\r\n\r\n"


class OneWrite(HttpToolsProtocol):
    """The server's protocol, on connections that keep the head of an answer until its body follows."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(cast("asyncio.Transport", HeadKept(transport, self.loop)))


class HeadKept:
    """A connection that sends the head of an answer with what is written next, or when the event loop comes round.

    What looks like a head need not be one: it is sent in its place all the same, a moment later.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send bytes after what is kept, or keep them."""
        if self._kept:
            kept, self._kept = self._kept, b""
            self._transport.write(kept + data)
        elif data.startswith(_HEAD) and data.endswith(_END_OF_HEAD):
            self._kept = data
            self._loop.call_soon(self._send)
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Send what is kept, and close the connection."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, b""
            self._transport.write(kept)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
