"""Who may call administration, and how each such call gets on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from app.api import documentation, errors
from app.api.body_limit import within
from app.api.context import JSON, version_headers
from app.api.uses import Administration, Authorized, Use
from app.domain.access import Scope
from app.domain.errors import SosError

LARGEST_JSON_MIB = 1

_DECLARED = "__sos_administers__"
_CALL = "sos.administration"
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key as `sos key create` or `POST /v1/admin/keys` gives it."
)
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def administers(action: str, scope: Scope, target: str | None = None) -> Callable[[_Endpoint], _Endpoint]:
    """Declare a call of administration; stands between the router's decorator and the endpoint.

    Args:
        action: its name in the audit, as `version.publish`.
        scope: what a key must allow.
        target: what it is done to, with the names of path parameters in braces, as `version {v}`.
    """

    def declare(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _DECLARED, Administration(action, scope, target))
        return endpoint

    return declare


def authorized(request: Request) -> Authorized:
    """Return the call at hand."""
    call: Authorized = request.scope[_CALL]
    return call


Admin = Annotated[Authorized, Depends(authorized)]


class AuditedRoute(APIRoute):
    """A call of administration: lets in whose key has the scope, before the body is read, and puts every use on record.

    `router = admin_router()` makes routes of this class under /v1/admin; an endpoint below `@router.post("/x/{n}")` has
    `@administers("x.do", Scope.PUBLISH, "x {n}")`, or the application does not start. It may take `admin: Admin`, whose
    `key`, `target` and `parameters` it reads and adds to; any error, status 4xx or 5xx counts as failed by itself.

    Attributes:
        largest_body_mib: how large the body may be, in MiB.
    """

    largest_body_mib = LARGEST_JSON_MIB

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared = getattr(endpoint, _DECLARED, None)
        if declared is None:
            raise TypeError(f"{path} is a call of administration: its endpoint needs @administers(action, scope)")
        self.declared: Administration = declared
        super().__init__(path, endpoint, **options)
        self.description += f"\n\nNeeds a key with the scope `{declared.scope}`."
        declared.named(dict.fromkeys(self.param_convertors))

    async def handle(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer a request and put it on record before the answer leaves."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        use = Use(self.declared, scope, send)
        try:
            scope[_CALL] = await use.admit()
            limited = within(self.largest_body_mib, scope, receive)
        except SosError as error:
            await errors.of_error(error)(scope, receive, use.send)
            return
        try:
            await super().handle(scope, use.overhearing(limited), use.send)
        except BaseException as error:
            await use.broke(error)
            raise


def admin_router(
    prefix: str = "",
    *,
    under: str = "/v1/admin",
    tag: str = "administration",
    route_class: type[AuditedRoute] = AuditedRoute,
) -> APIRouter:
    """Return a router for calls of administration, under /v1/admin unless told otherwise; see `AuditedRoute`."""
    return APIRouter(
        prefix=f"{under}{prefix}",
        tags=[tag],
        route_class=route_class,
        dependencies=[Depends(_BEARER)],
        responses=documentation.ADMINISTRATION_PROBLEMS,
    )


def private(answer: object, status: int = 200) -> Response:
    """Return an answer of administration, which no cache may keep."""
    headers = {**version_headers(None), "Cache-Control": "no-store"}
    return Response(orjson.dumps(answer), status, headers, JSON)
