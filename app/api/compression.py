"""Answers of text, compressed where the client can read that."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST_BYTES = 1_000
LEVEL = 1  # five takes three times as long for an eighth of the size

_GZIP = 16 + zlib.MAX_WBITS

# What is compressed already, or hardly can be.
_LEFT_ALONE = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
    "application/fits",
    "application/octet-stream",
    "application/zip",
)


def compressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks as gzip, in whichever thread asks for them: a file would keep all other answers waiting."""
    gzip = zlib.compressobj(LEVEL, wbits=_GZIP)
    for block in blocks:
        if part := gzip.compress(block):
            yield part
    yield gzip.flush()


class Compression:
    """Compresses texts above a size with gzip; what is compressed has a weak ETag, for its bytes are others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = GZipMiddleware(app, SMALLEST_BYTES, LEVEL, exclude_content_types=_LEFT_ALONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                tag = headers.get("etag")
                if tag and "content-encoding" in headers and not tag.startswith("W/"):
                    headers["etag"] = f"W/{tag}"
            await send(message)

        await self._app(scope, receive, send_tagged)
