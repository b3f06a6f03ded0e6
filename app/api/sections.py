"""Pieces of files as answers of their own, whole or in part (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import anyio
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.files import send_blocks, until_gone
from app.api.head import HEAD_ONLY
from app.storage.hats_places import Section

BLOCK_BYTES = 1 << 18

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class SectionResponse(Response):
    """Sends a section, or the one range of it that the client asks for; several at once give the whole."""

    media_type = "application/octet-stream"

    def __init__(self, section: Section, headers: dict[str, str]) -> None:
        super().__init__(headers={**headers, "Accept-Ranges": "bytes"})
        self._section = section

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is asked for."""
        asked = Request(scope).headers
        size, tag = self._section.size, self.headers["etag"]
        if tag in asked.get("if-none-match", ""):
            self.status_code = 304
            del self.headers["content-length"]
            await super().__call__(scope, receive, send)
            return
        wanted = asked.get("range", "") if asked.get("if-range", tag) == tag else ""
        first, end = _range(wanted, size) or (0, size)
        if first >= end and wanted and size:
            answer = Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
            await answer(scope, receive, send)
            return
        if end - first < size:
            self.status_code = 206
            self.headers["content-range"] = f"bytes {first}-{end - 1}/{size}"
        self.headers["content-length"] = str(end - first)
        blocks = iter(()) if scope.get(HEAD_ONLY) else self._blocks(first, end)
        async with anyio.create_task_group() as group:
            group.start_soon(until_gone, receive, group.cancel_scope)
            await send_blocks(self, blocks, send)
            group.cancel_scope.cancel()

    def _blocks(self, first: int, end: int) -> Iterator[bytes]:
        with self._section.path.open("rb") as source:
            source.seek(self._section.start + first)
            for place in range(first, end, BLOCK_BYTES):
                yield source.read(min(BLOCK_BYTES, end - place))


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Return the first byte of a range and the one after its last, None where that is no single range of bytes.

    >>> _range("bytes=2-3", 10), _range("bytes=7-", 10), _range("bytes=-4", 10), _range("bytes=1-2,4-5", 10)
    ((2, 4), (7, 10), (6, 10), None)
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None or found[0].endswith("=-"):
        return None
    if not found[1]:
        return max(size - int(found[2]), 0), size
    first = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    return None if found[2] and int(found[2]) < first else (first, end)
