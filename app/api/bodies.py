"""Bodies of requests as they come, for calls that take more than one kind of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from app.domain.errors import ParameterError


@dataclass(frozen=True)
class RequestBody:
    """The bytes of a body, and the media type that the client gives them."""

    content: bytes
    media_type: str

    def text(self, parameter: str) -> str:
        """Return the body as text.

        Raises:
            ParameterError: it is not UTF-8; names `parameter`.
        """
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise ParameterError(parameter, f"the body must be text in UTF-8: {error}") from error


async def request_body(request: Request) -> RequestBody:
    """Return the body of a request."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return RequestBody(await request.body(), media_type)


Body = Annotated[RequestBody, Depends(request_body)]


def described_body(examples: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a required body, by an example for each media type."""
    content = {
        media_type: {"schema": {"type": "string" if isinstance(example, str) else "object"}, "example": example}
        for media_type, example in examples.items()
    }
    return {"requestBody": {"required": True, "content": content}}
