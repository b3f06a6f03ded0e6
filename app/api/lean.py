"""A short way for the calls that are asked thousands of times a second.

An endpoint is written, documented and tested like any other. This middleware stands in front of the framework, knows
the paths of a few endpoints that take a context, one model of query parameters and at most one path parameter, and
calls them itself: the framework's own way costs as much as the rest of the request. It stands before the limit of
bodies, which these calls have none of, and before compression, which an answer sees only where it changes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import signature
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import compression, errors
from app.api.context import RequestContext
from app.api.measuring import ROUTE
from app.domain.errors import SosError

Endpoint = Callable[..., Awaitable[Response]]


class _Call(NamedTuple):
    """An endpoint, the model of its query parameters, the name of its route, and its path parameter if there is one."""

    endpoint: Endpoint
    model: type[BaseModel]
    route: str
    arguments: tuple[str, ...] = ()


class LeanRoutes:
    """Calls endpoints by path, and hands every other request on.

    Args:
        app: what answers the other requests.
        exact: endpoints without a path parameter, by path.
        prefixed: endpoints with one, which is the rest of the path, by what comes before it.
        except_suffixes: ends of paths that are other calls than those of `prefixed`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        exact: Mapping[str, Endpoint],
        prefixed: Mapping[str, Endpoint],
        except_suffixes: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._except_suffixes = except_suffixes
        self._exact = {path: _Call(endpoint, _model(endpoint), path) for path, endpoint in exact.items()}
        self._prefixed = {
            prefix: _Call(endpoint, _model(endpoint), f"{prefix}{{{_parameter(endpoint)}}}")
            for prefix, endpoint in prefixed.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        call = self._found(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if call is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = call.route
        response = await _called(call, scope)
        await compression.sender(response, scope)(scope, receive, send)

    def _found(self, scope: Scope) -> _Call | None:
        """Return the call that a request makes, if it is one of these."""
        path: str = scope["path"]
        found = self._exact.get(path)
        if found is not None:
            return found
        for prefix, endpoint in self._prefixed.items():
            if path.startswith(prefix) and len(path) > len(prefix) and not path.endswith(self._except_suffixes):
                return endpoint._replace(arguments=(path[len(prefix) :],))
        return None


async def _called(call: _Call, scope: Scope) -> Response:
    given: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    try:
        query = call.model.model_validate(given)
        return await call.endpoint(RequestContext(Request(scope)), query, *call.arguments)
    except ValidationError as error:
        return errors.of_validation(error.errors(), call.model)
    except SosError as error:
        return errors.of_error(error)


def _parameter(endpoint: Endpoint) -> str:
    """Return the name of an endpoint's path parameter, which is its last."""
    return list(signature(endpoint).parameters)[-1]


def _model(endpoint: Endpoint) -> type[BaseModel]:
    model = errors.query_model(endpoint)
    assert model is not None, "a lean endpoint takes one model of query parameters"
    return model
