"""Files that are kept, and pieces of them, as answers, whole or in part (RFC 9110, section 14)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import anyio
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api import errors
from app.api.context import version_headers
from app.api.documentation import described_problem
from app.api.files import ROWS_HEADER, send_blocks, until_gone
from app.api.head import HEAD_ONLY
from app.services.exports import Written
from app.storage.hats_places import Section

if TYPE_CHECKING:
    from app.services.user_surveys import HomogenizedFile  # brings numba, for which no process should wait at start

BLOCK_BYTES = 1 << 18
SENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": {}}},
    206: {"description": "The part that `Range` asks for", "content": {"application/octet-stream": {}}},
    416: described_problem("`Range` asks for what the file does not have"),
}
"""What the calls that send such files answer with."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def kept_file(kept: Written | HomogenizedFile, cache: str) -> SectionResponse:
    """Return the answer with a file that is kept, with its checksum and a name to save it under.

    Args:
        kept: the file.
        cache: what caches may do with it, for `Cache-Control`.
    """
    headers = {
        **version_headers(kept.version),
        ROWS_HEADER: str(kept.rows),
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(kept.sha256)).decode()}:",
        "ETag": f'"{kept.sha256}"',
        "Cache-Control": cache,
        "Content-Disposition": f'attachment; filename="{kept.path.name}"',
    }
    return SectionResponse(Section(kept.path, 0, kept.size, 0), headers, kept.form.media_type)


class SectionResponse(Response):
    """Sends a section, or the one range of it that the client asks for; several at once give the whole.

    Args:
        section: what is sent.
        headers: with its `ETag`.
        media_type: what it is.
    """

    def __init__(self, section: Section, headers: dict[str, str], media_type: str = "application/octet-stream") -> None:
        super().__init__(headers={**headers, "Accept-Ranges": "bytes"}, media_type=media_type)
        self._section = section

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is asked for."""
        asked = Request(scope).headers
        size, tag = self._section.size, self.headers["etag"]
        if tag in (known := asked.get("if-none-match", "")) or known.strip() == "*":
            self.status_code = 304
            del self.headers["content-length"]
            await super().__call__(scope, receive, send)
            return
        wanted = asked.get("range", "") if asked.get("if-range", tag) == tag else ""
        first, end = _range(wanted, size) or (0, size)
        if first >= end and wanted and size:
            detail = f"Range: the file has {size} bytes, and none of those asked for"
            there = {"Content-Range": f"bytes */{size}"}
            answer = errors.problem(416, "about:blank", "Range Not Satisfiable", detail, headers=there)
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
