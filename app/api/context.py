"""What every request has at hand, and how every answer is sent: version header, ETag, caching, next page."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from app.domain.catalog import Rows
from app.factory import Factory
from app.services.star_lists import StarList

VERSION_HEADER = "X-SoS-Version"
JSON = "application/json"

# An answer from a version that is named in the URL is the same for ever; any other is asked about again.
FIXED = "public, max-age=31536000, immutable"
MOVING = "no-cache"


class RequestContext:
    """One request: what it may ask, and how it is answered."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def factory(self) -> Factory:
        """The services."""
        factory: Factory = self.request.app.state.factory
        return factory

    def json(self, answer: object, version: int | None, *, fixed: bool = False) -> Response:
        """Return an answer as JSON; `fixed` says that it can never change under this URL."""
        body = orjson.dumps(answer)
        return self.content(body, JSON, version, fixed=fixed)

    def content(self, body: bytes, media_type: str, version: int | None, *, fixed: bool = False) -> Response:
        """Return bytes, or nothing but a 304 where the client has them."""
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        reading = self.request.method == "GET"
        headers = {**version_headers(version), "ETag": tag, "Cache-Control": FIXED if fixed and reading else MOVING}
        if reading and tag in self.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media_type)

    def page(self, name: str, rows: Rows, *, fixed: bool = False) -> Response:
        """Return a page of rows as the list `name`, with the URL of the next one."""
        following = None if rows.next is None else self.next_url(rows.next, rows.version)
        head = {"version": rows.version, "count": rows.count, "truncated": rows.next is not None, "next": following}
        body = b"%s,%s:%s}" % (orjson.dumps(head)[:-1], orjson.dumps(name), rows.json)
        return self.content(body, JSON, rows.version, fixed=fixed)

    def star_list(self, found: StarList) -> Response:
        """Return the stars of a list, and the identifiers without one."""
        head = {"version": found.version, "count": found.count, "truncated": False, "next": None}
        unknown = [asdict(one) for one in found.unknown]
        body = b'%s,"unknown":%s,"stars":%s}' % (orjson.dumps(head)[:-1], orjson.dumps(unknown), found.json)
        return self.content(body, JSON, found.version)

    def next_url(self, after: str, version: int | None) -> str:
        """Return the URL of the page after a place; it names the version, so that all pages are of the same."""
        changed = {"after": after} if version is None else {"after": after, "version": str(version)}
        query = {**self.request.query_params, **changed}
        return f"{self.base_url}{self.request.url.path}?{urlencode(query)}"

    @property
    def base_url(self) -> str:
        """The address under which the user sees the service, without a slash at its end."""
        return self.factory.public_url or str(self.request.base_url).rstrip("/")


def version_headers(version: int | None) -> dict[str, str]:
    """Return the header that says which version an answer is from; `none` before the first is published."""
    return {VERSION_HEADER: "none" if version is None else str(version)}


def request_context(request: Request) -> RequestContext:
    """Return the context of a request."""
    return RequestContext(request)


Context = Annotated[RequestContext, Depends(request_context)]


def documented(example: object, description: str, *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer by an example."""
    return {status: {"description": description, "content": {JSON: {"example": example}}}}
