"""Errors as problem documents (RFC 9457), the one table that turns the project's errors into HTTP statuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.domain.errors import (
    AlreadyRunningError,
    ConflictError,
    DatabaseError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotPublishedError,
    ParameterError,
    PlanError,
    SosError,
    TooLargeError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    UnknownJobError,
    UnknownKeyError,
    UnknownStarError,
    UnknownSurveyError,
    UnknownVersionError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
UNREADABLE_BODY = "There was an error parsing the body"
"""What the framework says of a body that is no text at all."""
SHOWN = 100
"""Characters of a value that an answer repeats, at most."""
CHALLENGE = 'Bearer realm="SoS"'

# The first class that fits counts, so children stand before their parents.
_PROBLEMS: tuple[tuple[type[SosError], int, str, str], ...] = (
    (TooLargeError, 413, "too-large", "The request is over a limit"),
    (ParameterError, 422, "bad-parameter", "A parameter has no usable value"),
    (InputError, 422, "bad-input", "The input cannot be used"),
    (UnknownStarError, 404, "unknown-star", "There is no such star"),
    (UnknownKeyError, 404, "unknown-key", "There is no such key"),
    (UnknownSurveyError, 404, "unknown-survey", "There is no such survey"),
    (UnknownVersionError, 404, "unknown-version", "There is no such version"),
    (UnknownJobError, 404, "unknown-job", "There is no such job"),
    (NotFoundError, 404, "not-found", "There is no such thing"),
    (UnauthenticatedError, 401, "unauthenticated", "This needs a key"),
    (ForbiddenError, 403, "forbidden", "The key does not allow this"),
    (AlreadyRunningError, 409, "already-running", "A job does the same and is not done"),
    (ConflictError, 409, "conflict", "The request does not fit the present state"),
    (NotPublishedError, 503, "not-published", "Nothing has been published yet"),
    (DatabaseError, 503, "database", "The database does not answer"),
    (TooManyRequestsError, 429, "too-many-requests", "The client has to wait"),
    (UnavailableError, 503, "unavailable", "The service cannot do this now"),
    (SosError, 500, "error", "The request failed"),
)


def install(app: FastAPI) -> None:
    """Let every error of an application answer with a problem document."""

    @app.exception_handler(SosError)
    async def _ours(_: Request, error: SosError) -> Response:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        endpoint = request.scope["endpoint"]
        return of_validation(error.errors(), query_model(endpoint), body_model(endpoint))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, SosError):  # while the body was read
            return of_error(error.__cause__)
        if error.status_code == HTTPStatus.BAD_REQUEST and error.detail == UNREADABLE_BODY:
            return of_error(ParameterError("body", "must be JSON in UTF-8"))
        phrase = HTTPStatus(error.status_code).phrase
        return problem(error.status_code, "about:blank", phrase, str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, __: Exception) -> Response:
        return problem(500, "about:blank", "Internal Server Error", "this is a fault of the service; its log says more")


def of_error(error: SosError) -> Response:
    """Return the answer to a request that failed with one of the project's errors."""
    _, status, name, title = next(entry for entry in _PROBLEMS if isinstance(error, entry[0]))
    extra: dict[str, Any] = {}
    if isinstance(error, ParameterError):
        extra["errors"] = [{"parameter": error.parameter, "detail": error.problem}]
    if isinstance(error, PlanError):
        extra["errors"] = [{"parameter": f"plan.{error.key}", "detail": error.problem}]
    if isinstance(error, AlreadyRunningError):
        extra["job"] = error.job_id
    return problem(status, _type(name), title, str(error), headers=_headers(error), **extra)


def _headers(error: SosError) -> dict[str, str]:
    match error:
        case TooManyRequestsError():
            return {"Retry-After": str(error.retry_after_s)}
        case UnavailableError():
            return {"Retry-After": str(RETRY_AFTER_S)}
        case UnauthenticatedError():
            return {"WWW-Authenticate": CHALLENGE + (', error="invalid_token"' if error.given else "")}
        case ForbiddenError():
            return {"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{error.needed}"'}
    return {}


def of_validation(
    errors: Iterable[Mapping[str, Any]], model: type[BaseModel] | None, body: type[BaseModel] | None = None
) -> Response:
    """Return the answer to a request whose parameters do not have the form of `model`, or whose body not of `body`."""
    found = [
        {"parameter": _parameter(error), "detail": _explained(error, body if error["loc"][:1] == ("body",) else model)}
        for error in errors
    ]
    detail = "; ".join(f"{item['parameter']}: {item['detail']}" for item in found)
    return problem(422, _type("bad-parameter"), "A parameter has no usable value", detail, errors=found)


def problem(
    status: int, kind: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
) -> Response:
    """Return a problem document."""
    body = {"type": kind, "title": title, "status": status, "detail": detail, **extra}
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def _type(name: str) -> str:
    return f"urn:sos:problem:{name}"


def _parameter(error: Mapping[str, Any]) -> str:
    """Return the name of the parameter: places are ('query', name, ...), or (name, ...) of a lean route."""
    place = [part for part in error["loc"] if part not in {"query", "path", "header", "body"}]
    if error["loc"][:1] == ("body",) and not (place and isinstance(place[0], str)):
        return "body"  # as a whole, or a place in what is no JSON
    return str(place[0]) if place else "request"


def _explained(error: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    fields = model.model_fields if model else {}
    if error["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in fields.items()) or "none"
        return f"is no parameter of this call; it takes {known}"
    if error["type"] == "json_invalid":
        return f"must be JSON: {error['ctx']['error']}"
    if error["type"] in {"model_attributes_type", "model_type"}:
        return "must be a JSON object, sent as application/json"
    message = str(error["msg"]).removeprefix("Value error, ")
    field = fields.get(_parameter(error))
    meaning = f" ({field.description})" if field and field.description else ""
    if error["type"] == "missing":
        return f"is required{meaning}"
    return f"{message[0].lower()}{message[1:]}{meaning}, got {error.get('input')!r:.{SHOWN}}"


@cache
def query_model(endpoint: Callable[..., Any]) -> type[BaseModel] | None:
    """Return the model of the query parameters that an endpoint takes, if any."""
    return next(iter(_models(endpoint)), None)


@cache
def body_model(endpoint: Callable[..., Any]) -> type[BaseModel] | None:
    """Return the model of the body that an endpoint takes, if any; it stands behind that of the query."""
    return next(iter(_models(endpoint)[1:]), None)


def _models(endpoint: Callable[..., Any]) -> list[type[BaseModel]]:
    hints = (option for hint in get_type_hints(endpoint).values() for option in (get_args(hint) or (hint,)))
    return [hint for hint in hints if isinstance(hint, type) and issubclass(hint, BaseModel)]
