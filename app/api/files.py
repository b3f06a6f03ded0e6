"""Files on their way to a user, block by block; what they use is given back when the user goes away."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from hashlib import blake2b
from typing import Any

import anyio
from anyio import to_thread
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.compression import compressed
from app.api.context import FIXED, MOVING, documented, version_headers
from app.api.head import HEAD_ONLY
from app.domain.files import FileFormat
from app.services.downloads import Download
from app.services.traffic import counted

ROWS_HEADER = "X-SoS-Rows"
BLOCKS_AT_ONCE = 1
"""Blocks of files that a process makes at once, so that downloads, however many, leave the cores to others too."""
TURN_S = 1.0
"""How long a block keeps the turn: where it takes longer, it is the database that works."""
STALLED_S = 300.0
"""How long a client may take for one block before its connection is closed and what it held is given back."""

_TEXTS = {FileFormat.CSV, FileFormat.JSONL, FileFormat.VOTABLE}
CONTENTS: dict[str, Any] = {
    file.media_type.partition(";")[0]: {
        "schema": {"type": "string"} | ({} if file in _TEXTS else {"contentMediaType": "application/octet-stream"})
    }
    for file in FileFormat
}


def documented_table(example: object, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer that is a page, by an example, or a file."""
    answers = documented(example, description)
    answers[200]["content"] |= CONTENTS
    return answers


class FileResponse(Response):
    """Sends a download; it is opened when sending begins, so that its errors can still be answered.

    Args:
        opening: opens the download and closes it.
        name: how the file is called, without version and ending.
        fixed: whether the answer can never change under its URL.
    """

    def __init__(self, opening: AbstractContextManager[Download], name: str, *, fixed: bool = False) -> None:
        super().__init__()
        self._opening = opening
        self._name = name
        self._fixed = fixed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or nothing but a 304 where the client has it."""
        async with _in_threads(self._opening) as download:
            headers = self._file_headers(scope, download)
            if "ETag" in headers and headers["ETag"] in Request(scope).headers.get("if-none-match", ""):
                await Response(status_code=304, headers=headers)(scope, receive, send)
                return
            head = Response(headers=headers, media_type=download.file.media_type)
            del head.headers["content-length"]  # nobody knows it yet
            blocks = counted(download.blocks, download.file, lambda: download.rows)
            if download.file in _TEXTS:
                head.headers.add_vary_header("Accept-Encoding")
                if "gzip" in Request(scope).headers.get("accept-encoding", ""):
                    head.headers["Content-Encoding"] = "gzip"
                    blocks = compressed(blocks)
            if scope.get(HEAD_ONLY):
                await send_blocks(head, iter(()), send)
                return
            async with anyio.create_task_group() as group:
                group.start_soon(until_gone, receive, group.cancel_scope)
                await send_blocks(head, blocks, send, at_once=scope["app"].state.blocks_at_once)
                group.cancel_scope.cancel()

    def _file_headers(self, scope: Scope, download: Download) -> dict[str, str]:
        headers = {
            **version_headers(download.version),
            ROWS_HEADER: str(download.rows),
            "Cache-Control": FIXED if self._fixed and scope["method"] == "GET" else MOVING,
            "Content-Disposition": f'attachment; filename="{self._name}_v{download.version}.{download.file.ending}"',
        }
        if scope["method"] == "GET":  # what a body asks for is not in the URL
            what = f"{scope['path']}?{scope['query_string'].decode('latin-1')}#{download.version}#{download.rows}"
            headers["ETag"] = f'"{blake2b(what.encode(), digest_size=12).hexdigest()}"'
        return headers


@asynccontextmanager
async def _in_threads(opening: AbstractContextManager[Download]) -> AsyncIterator[Download]:
    """Enter and leave a blocking context in worker threads, whatever happens in between."""
    download = await to_thread.run_sync(opening.__enter__)
    try:
        yield download
    except BaseException:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(opening.__exit__, *sys.exc_info())
        raise
    else:
        await to_thread.run_sync(opening.__exit__, None, None, None)


async def send_blocks(
    head: Response, blocks: Iterator[bytes], send: Send, *, at_once: anyio.CapacityLimiter | None = None
) -> None:
    """Send an answer whose body comes in blocks, each made in a worker thread, in its turn where there are turns.

    Raises:
        TimeoutError: the client did not take a block in `STALLED_S`.
    """
    await send({"type": "http.response.start", "status": head.status_code, "headers": head.raw_headers})
    while (block := await _next_in_turn(blocks, at_once)) is not None:
        with anyio.fail_after(STALLED_S):
            await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _next_in_turn(blocks: Iterator[bytes], at_once: anyio.CapacityLimiter | None) -> bytes | None:
    """Make the next block, None at the end, when it is its turn."""
    if at_once is None:
        return await to_thread.run_sync(next, blocks, None)
    made: list[bytes | None] = []
    done = anyio.Event()

    async def make() -> None:
        made.append(await to_thread.run_sync(next, blocks, None))
        done.set()

    async with anyio.create_task_group() as group, at_once:
        group.start_soon(make)
        with anyio.move_on_after(TURN_S):
            await done.wait()
    return made[0]


async def until_gone(receive: Receive, sending: anyio.CancelScope) -> None:
    """End the sending when the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
