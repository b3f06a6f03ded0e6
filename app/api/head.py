"""HEAD: what GET would say, without the body."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.measuring import ROUTE, route_of

HEAD_ONLY = "sos.head_only"


class HeadAsGet:
    """Answers HEAD as GET; the server leaves the body out, and who would have to make a long one can ask the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            asked = {**scope, "method": "GET", HEAD_ONLY: True}
            try:
                await self._app(asked, receive, send)
            finally:
                scope[ROUTE] = route_of(asked)
            return
        await self._app(scope, receive, send)
