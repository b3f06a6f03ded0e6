"""A short way for the calls that are asked thousands of times a second.

An endpoint is written, documented and tested like any other. This middleware stands in front of the framework, knows
the paths of a few endpoints that take a context, one model of query parameters and at most one path parameter, and
calls them itself: the framework's own way costs as much as the rest of the request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import signature
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import errors
from app.api.context import RequestContext
from app.api.measuring import ROUTE
from app.domain.errors import SosError

Endpoint = Callable[..., Awaitable[Response]]


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
        self._exact = {path: (endpoint, _model(endpoint)) for path, endpoint in exact.items()}
        self._prefixed = {
            prefix: (endpoint, _model(endpoint), f"{prefix}{{{_parameter(endpoint)}}}")
            for prefix, endpoint in prefixed.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        response = await self._answer(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        await (response or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        found = self._exact.get(path)
        if found is not None:
            scope[ROUTE] = path
            return await _called(*found, scope)
        for prefix, (endpoint, model, route) in self._prefixed.items():
            if path.startswith(prefix) and len(path) > len(prefix) and not path.endswith(self._except_suffixes):
                scope[ROUTE] = route
                return await _called(endpoint, model, scope, path[len(prefix) :])
        return None


async def _called(endpoint: Endpoint, model: type[BaseModel], scope: Scope, *path: str) -> Response:
    given: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    try:
        query = model.model_validate(given)
        return await endpoint(RequestContext(Request(scope)), query, *path)
    except ValidationError as error:
        return errors.of_validation(error.errors(), model)
    except SosError as error:
        return errors.of_error(error)


def _parameter(endpoint: Endpoint) -> str:
    """Return the name of an endpoint's path parameter, which is its last."""
    return list(signature(endpoint).parameters)[-1]


def _model(endpoint: Endpoint) -> type[BaseModel]:
    model = errors.query_model(endpoint)
    assert model is not None, "a lean endpoint takes one model of query parameters"
    return model
