"""Answers on their way to a user, and errors, both as the Virtual Observatory expects them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any

import anyio
from anyio import to_thread
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    SosError,
    TooManyRequestsError,
    UnavailableError,
)
from app.vo import votable

# The first class that fits counts.
_STATUS = (
    (InputError, 400),
    (NotFoundError, 404),
    (ConflictError, 409),
    (TooManyRequestsError, 429),
    (UnavailableError, 503),
)

VERSION_HEADER = "X-SoS-Version"
STALLED_S = 300.0
"""How long a client may take for one piece before its connection is closed and what it held is given back."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class VotableRoute(APIRoute):
    """A route whose errors are VOTables.

    Attributes:
        status: of every answer that is an error, None for what the error says.
        media_type: of an error.
    """

    status: int | None = None
    media_type: str = votable.MEDIA_TYPE

    def get_route_handler(self) -> Handler:
        """Return the handler, with its errors answered."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except SosError as problem:
                return of_error(problem, self.status, self.media_type)
            except HTTPException as problem:
                return failed(str(problem.detail), self.status or problem.status_code, self.media_type)

        return handled


def of_error(problem: SosError, status: int | None = None, media_type: str = votable.MEDIA_TYPE) -> Response:
    """Return the answer to a request that failed."""
    usual = next((number for kind, number in _STATUS if isinstance(problem, kind)), 500)
    answer = failed(str(problem), status or usual, media_type)
    if isinstance(problem, TooManyRequestsError):
        answer.headers["Retry-After"] = str(problem.retry_after_s)
    return answer


def failed(problem: str, status: int, media_type: str) -> Response:
    """Return a VOTable that says what went wrong."""
    return Response(votable.error(problem), status, media_type=media_type)


class Pieces(Iterator[bytes]):
    """The pieces of an answer.

    Args:
        version: that the answer is from.
        blocks: its bytes.
    """

    def __init__(self, version: int, blocks: Iterator[bytes]) -> None:
        self.version = version
        self._blocks = blocks

    def __next__(self) -> bytes:
        """Return the next piece."""
        return next(self._blocks)


class StreamedAnswer(Response):
    """Sends the pieces of an answer; what they need is opened when sending begins and closed whatever happens.

    The first piece is made before the head is sent, so that a query that fails is answered as an error.

    Args:
        opening: opens the pieces.
        media_type: of the answer.
        on_error: returns the answer to a query that fails before the head is sent.
    """

    def __init__(
        self,
        opening: AbstractContextManager[Pieces],
        media_type: str,
        on_error: Callable[[SosError], Response] = of_error,
    ) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._opening = opening
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, or the error that kept it from beginning."""
        try:
            pieces = await to_thread.run_sync(self._opening.__enter__)
        except SosError as problem:
            await self._on_error(problem)(scope, receive, send)
            return
        self.headers[VERSION_HEADER] = str(pieces.version)
        started = False
        try:
            first = await to_thread.run_sync(next, pieces, b"")
            started = True
            async with anyio.create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                await self._send(first, pieces, send)
                group.cancel_scope.cancel()
        except SosError as problem:
            await self._close()
            if started:
                raise
            await self._on_error(problem)(scope, receive, send)
        except BaseException:
            await self._close()
            raise
        else:
            await self._close()

    async def _send(self, first: bytes, pieces: Iterator[bytes], send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        piece: bytes | None = first
        while piece is not None:
            with anyio.fail_after(STALLED_S):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await to_thread.run_sync(next, pieces, None)
        await send({"type": "http.response.body", "body": b""})

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._opening.__exit__, *sys.exc_info())


async def _until_gone(receive: Receive, sending: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
