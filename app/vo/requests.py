"""What a request to a Virtual Observatory service says: parameters of any capitals, and tables that come with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from app.domain.errors import ParameterError
from app.factory import Factory

LARGEST_BODY = 64 * 2**20


@dataclass(frozen=True)
class Parameters:
    """Parameters by name in capitals, and the bytes of files by the name of their part."""

    values: dict[str, list[str]]
    files: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    async def of(cls, request: Request) -> Parameters:
        """Read the query string and, of a POST, the form.

        Raises:
            ParameterError: the body is larger than it may be.
        """
        values: dict[str, list[str]] = {}
        files: dict[str, bytes] = {}
        for name, value in request.query_params.multi_items():
            values.setdefault(name.upper(), []).append(value)
        if request.method == "POST":
            limited = Request(request.scope, _Counted(request).receive)
            async with limited.form(max_part_size=LARGEST_BODY) as form:
                for name, part in form.multi_items():
                    if isinstance(part, UploadFile):
                        files[name] = await part.read()
                    else:
                        values.setdefault(name.upper(), []).append(part)
        return cls(values, files)

    def get(self, name: str) -> str | None:
        """Return the one value of a parameter, None where it is not given or empty.

        Raises:
            ParameterError: it is given twice with different values.
        """
        given = [value for value in self.values.get(name, []) if value.strip()]
        if len(set(given)) > 1:
            raise ParameterError(name, "is given twice")
        return given[0] if given else None

    def rows(self, name: str, usual: int, most: int) -> int:
        """Return a number of rows, at most as many as the service gives.

        Raises:
            ParameterError: it is no number of rows.
        """
        text = self.get(name)
        if text is None:
            return usual
        if not (text.strip().isascii() and text.strip().isdigit()):
            raise ParameterError(name, f"is a number of rows, got {text!r}")
        return min(int(text[:18]), most)


class _Counted:
    """Hands a request's body on until there is more of it than there may be."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._bytes = 0

    async def receive(self) -> Message:
        message = await self._request.receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > LARGEST_BODY:
            raise ParameterError("UPLOAD", f"a request has at most {LARGEST_BODY // 2**20} MiB")
        return message


def factory_of(request: Request) -> Factory:
    """Return the services."""
    factory: Factory = request.app.state.factory
    return factory


def base_url(request: Request) -> str:
    """Return the address under which the user sees the service, without a slash at its end."""
    return factory_of(request).public_url or str(request.base_url).rstrip("/")
