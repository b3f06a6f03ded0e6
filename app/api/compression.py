"""Answers of text, compressed where the client can read that."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST_BYTES = 1_000
LEVEL = 1  # five takes three times as long for an eighth of the size

_GZIP = 16 + zlib.MAX_WBITS
_AS_IT_IS = "identity"
_READS_GZIP = re.compile(r"\s*(x-)?gzip\s*(;(?!\s*q\s*=\s*0(\.0*)?\s*$).*)?", re.IGNORECASE)

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


def reads_gzip(accepted: str) -> bool:
    """Tell whether a client that sends this `Accept-Encoding` can read gzip, and wants it.

    >>> reads_gzip("br, gzip"), reads_gzip("gzip;q=0.5"), reads_gzip("gzip;q=0, identity"), reads_gzip("br")
    (True, True, False, False)
    """
    return any(_READS_GZIP.fullmatch(one) for one in accepted.split(","))


def sender(response: Response, scope: Scope) -> ASGIApp:
    """Return what sends an answer as if it came through `Compression`, which only sees it where it has work to do.

    An answer as a whole needs no look at its messages: those of a star would pass through four functions for one
    header.
    """
    if len(response.body) < SMALLEST_BYTES:
        return response
    if response.media_type != "application/json" or reads_gzip(Headers(scope=scope).get("accept-encoding", "")):
        return Compression(response)
    response.headers.add_vary_header("Accept-Encoding")
    return response


class Compression:
    """Compresses texts above a size with gzip; what is compressed has a weak ETag, for its bytes are others.

    A file with a checksum is sent as it is: the checksum is that of these bytes, of which parts may be asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = GZipMiddleware(_files_as_they_are(app), SMALLEST_BYTES, LEVEL, exclude_content_types=_LEFT_ALONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "http":
            accepted = MutableHeaders(scope=scope)
            accepted["accept-encoding"] = "gzip" if reads_gzip(accepted.get("accept-encoding", "")) else _AS_IT_IS

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                tag = headers.get("etag")
                if headers.get("content-encoding") == _AS_IT_IS:
                    del headers["content-encoding"]
                elif tag and "content-encoding" in headers and not tag.startswith("W/"):
                    headers["etag"] = f"W/{tag}"
            await send(message)

        await self._app(scope, receive, send_tagged)


def _files_as_they_are(app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start" and "repr-digest" in Headers(raw=message["headers"]):
                MutableHeaders(raw=message["headers"])["content-encoding"] = _AS_IT_IS
            await send(message)

        await app(scope, receive, send_marked)

    return answer
