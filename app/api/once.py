"""Query parameters that cannot be meant: given twice, of which one would silently not count, or with a NUL in them."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import errors
from app.domain.errors import ParameterError

NUL = "\0"


class OnceOnly:
    """Refuses a query that has a parameter twice, or a character that no text in the database holds, with 422.

    Args:
        app: what answers requests.
        under: beginning of the paths whose calls take each parameter once.
        own: beginning of those among them that are let alone: what they are asked goes on record first.
    """

    def __init__(self, app: ASGIApp, *, under: str, own: str) -> None:
        self._app = app
        self._under = under
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http" and scope["query_string"] and self._concerns(scope["path"]):
            problem = _problem(scope["query_string"])
            if problem is not None:
                await errors.of_error(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _concerns(self, path: str) -> bool:
        return path.startswith(self._under) and not path.startswith(self._own)


def _problem(query: bytes) -> ParameterError | None:
    names = [one.partition(b"=")[0] for one in query.split(b"&")]
    if len(set(names)) == len(names) and b"%" not in query and b"\0" not in query:
        return None  # nothing has to be decoded to see it
    seen = set()
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in seen:
            return ParameterError(name[: errors.SHOWN], "is given more than once; once is enough")
        if NUL in name + value:
            return ParameterError(name[: errors.SHOWN], "holds a NUL character, which no value has")
        seen.add(name)
    return None
