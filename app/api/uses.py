"""One use of a call of administration: who lets it in, and what of it goes on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import anyio
import orjson
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Connection

from app.api import errors
from app.api.context import RequestContext
from app.domain.access import AccessKey, Actor, AuditEntry, Outcome, Scope
from app.domain.errors import SosError, TooManyRequestsError, UnavailableError
from app.services.access import require

_REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
_KEPT_BODY = 1 << 16
# Comparing a secret takes 64 MB and a tenth of a second on purpose: two at a time, and no other request waits for them.
_COMPARING: RunVar[CapacityLimiter] = RunVar("comparing secrets")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Administration:
    """What a call of administration is: its name in the audit, the scope that it needs, and what it is done to."""

    action: str
    scope: Scope
    target: str | None = None

    def named(self, path_params: Mapping[str, object]) -> str | None:
        """Return what a call with these parameters is done to."""
        return self.target.format(**path_params) if self.target else None


class Authorized:
    """The call at hand: whose key it was allowed by, and what of it goes on record.

    Attributes:
        key: the key; it has the scope that the call needs.
        target: what the call is done to; an endpoint sets it where the path does not say it.
        parameters: how; an endpoint adds what is known to it alone, such as the number of the job that it started.
    """

    def __init__(self, key: AccessKey, target: str | None) -> None:
        self.key = key
        self.target = target
        self.parameters: dict[str, Any] = {}


class Use:
    """One use of a call of administration, on its way to the audit."""

    def __init__(self, declared: Administration, scope: Connection, send: Send) -> None:
        self._declared = declared
        self._scope = scope
        self._request = Request(scope)
        self._context = RequestContext(self._request)
        self._send = send
        self._target = declared.named(scope["path_params"])
        self._refusal: SosError | None = None
        self._admitted: Authorized | None = None
        self._body = b""
        self._head: Message | None = None
        self._settled = self._muted = False

    async def admit(self) -> Authorized:
        """Recognise the key and insist on its scope.

        Raises:
            UnauthenticatedError: there is none that is of use.
            ForbiddenError: it does not have the scope.
            TooManyRequestsError: too many from this address were wrong.
            UnavailableError: keys cannot be looked up.
        """
        access, bearer = self._context.factory.access(), _bearer(self._request)
        limiter = None if access.remembers(bearer) else _comparing()
        try:
            key = await to_thread.run_sync(access.authenticate, bearer, self._client, limiter=limiter)
            require(key, self._declared.scope)
        except SosError as error:
            self._refusal = error
            raise
        self._admitted = Authorized(key, self._target)
        return self._admitted

    def overhearing(self, receive: Receive) -> Receive:
        """Return what hands a request's body on and keeps it for the record where it is a short one of JSON."""
        if "json" not in self._request.headers.get("content-type", "").lower():
            return receive

        async def hear() -> Message:
            message = await receive()
            if len(self._body) <= _KEPT_BODY:
                self._body += message.get("body", b"")
            return message

        return hear

    async def send(self, message: Message) -> None:
        """Hand an answer on; what it says goes on record before its first byte leaves."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._head is not None:
            head, self._head = self._head, None
            await self._settle(head["status"], message.get("body", b""))
            if not self._muted:
                await self._send(head)
        if not self._muted:
            await self._send(message)

    async def broke(self, error: BaseException) -> None:
        """Put on record that there is no answer, unless one has left."""
        if self._settled:
            return
        if isinstance(error, HTTPException):
            await self._record(error.status_code, error.detail)
        else:
            await self._record(500, repr(error))

    async def _settle(self, status: int, body: bytes) -> None:
        self._settled = True
        lost = await self._record(status, _detail(body) if status >= HTTPStatus.BAD_REQUEST else None)
        if lost is not None and status < HTTPStatus.BAD_REQUEST:
            self._muted = True
            answer = errors.of_error(UnavailableError(f"this was done, but could not be put on record: {lost}"))
            await answer(self._scope, self._request.receive, self._send)

    async def _record(self, status: int, detail: str | None) -> SosError | None:
        """Put the use on record; return what went wrong, after saying it in the log."""
        if isinstance(self._refusal, TooManyRequestsError) and not _is_power_of_ten(self._refusal.count):
            return None
        entry = self._entry(status, detail)
        try:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._context.factory.audit().add, entry)
        except SosError as error:
            _LOG.exception("not on record: %s of %s by key %s", entry.action, entry.target, entry.key_id)
            return error
        return None

    def _entry(self, status: int, detail: str | None) -> AuditEntry:
        key_id = self._admitted.key.key_id if self._admitted else getattr(self._refusal, "key_id", None)
        return AuditEntry(
            actor=Actor.NOBODY if key_id is None else Actor.KEY,
            action=self._declared.action,
            outcome=_outcome(status),
            target=self._admitted.target if self._admitted else self._target,
            parameters=self._parameters(),
            key_id=key_id,
            status=status,
            detail=detail,
            client=self._client,
        )

    def _parameters(self) -> dict[str, Any]:
        """Return what was asked for: body, query and path as the client gave them, and what the endpoint added."""
        query = {name: self._request.query_params.getlist(name) for name in self._request.query_params}
        given = {name: values[0] if len(values) == 1 else values for name, values in query.items()}
        added = self._admitted.parameters if self._admitted else _of_refusal(self._refusal)
        return {**self._fields(), **given, **self._scope["path_params"], **added}

    def _fields(self) -> dict[str, Any]:
        if not self._body:
            return {}
        if len(self._body) > _KEPT_BODY:
            return {"body": "too long to be kept"}
        try:
            fields = orjson.loads(self._body)
        except orjson.JSONDecodeError:
            return {"body": "not JSON"}
        return fields if isinstance(fields, dict) else {"body": fields}

    @property
    def _client(self) -> str:
        return self._request.client.host if self._request.client else "unknown"


def _comparing() -> CapacityLimiter:
    try:
        return _COMPARING.get()
    except LookupError:
        limiter = CapacityLimiter(2)
        _COMPARING.set(limiter)
        return limiter


def _bearer(request: Request) -> str | None:
    """Return what stands after `Bearer`; None without the header, nothing where it is another or stands twice."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, text = given[0].partition(" ")
    return text.strip() if scheme.lower() == "bearer" and len(given) == 1 else ""


def _outcome(status: int) -> Outcome:
    if status in _REFUSALS:
        return Outcome.REFUSED
    return Outcome.FAILED if status >= HTTPStatus.BAD_REQUEST else Outcome.DONE


def _of_refusal(refusal: SosError | None) -> dict[str, Any]:
    """Return what is to be remembered of a request that was not let in."""
    if isinstance(refusal, TooManyRequestsError):
        return {"refused_in_a_row": refusal.count}
    claimed = getattr(refusal, "claimed_id", None)
    return {} if claimed is None else {"claimed_key": claimed}


def _is_power_of_ten(count: int) -> bool:
    """Whether a refusal is kept: one by one they would let anybody fill the disk."""
    return str(count).rstrip("0") == "1"


def _detail(body: bytes) -> str:
    """Return what a problem document says, or the beginning of another answer."""
    try:
        return str(orjson.loads(body)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body[:500].decode("utf-8", "replace")
