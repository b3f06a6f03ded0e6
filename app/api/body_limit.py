"""How large a request may be: one that says so is refused before it is read, any other when it has grown too large."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import errors
from app.domain.errors import TooLargeError

MIB = 1 << 20


class BodyLimit:
    """Refuses bodies over a limit with 413.

    Args:
        app: what answers requests.
        usual_mib: the limit, in MiB.
        larger_mib: limits of calls that take whole tables, by path.
        own: beginning of the paths whose routes see to their limits themselves, after they have looked at the key.
    """

    def __init__(self, app: ASGIApp, *, usual_mib: int, larger_mib: Mapping[str, int], own: str) -> None:
        self._app = app
        self._own = own
        self._usual_mib = usual_mib
        self._larger_mib = dict(larger_mib)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"} or scope["path"].startswith(self._own):
            await self._app(scope, receive, send)
            return
        limit_mib = self._larger_mib.get(scope["path"], self._usual_mib)
        try:
            limited = within(limit_mib, scope, receive)
        except TooLargeError as error:
            await errors.of_error(error)(scope, receive, send)
            return
        await self._app(scope, limited, send)


def within(limit_mib: int, scope: Scope, receive: Receive) -> Receive:
    """Return how to receive a body that ends with an error where it is larger than the limit.

    Raises:
        TooLargeError: the request says that it is.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit_mib * MIB:
        raise _refusal(limit_mib)
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit_mib * MIB:
            raise _refusal(limit_mib)
        return message

    return counting


def _refusal(limit_mib: int) -> TooLargeError:
    return TooLargeError("body", f"may have {limit_mib} MiB at most; send less at a time")
