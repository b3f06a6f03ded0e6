"""Bodies of requests as they come, for calls that take more than one kind of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.api.documentation import described_problem
from app.domain.errors import ParameterError

JSON, FORM = "application/json", "multipart/form-data"
TOO_LARGE: dict[int | str, dict[str, Any]] = {413: described_problem("The body, or what it asks for, is over a limit")}


@dataclass(frozen=True)
class RequestBody:
    """The bytes of a body, and the media type that the client gives them."""

    content: bytes
    media_type: str

    @property
    def is_json(self) -> bool:
        """Whether the client says that it is JSON."""
        return self.media_type == JSON

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
    """Return the body of a request; of a form the one file in it.

    Raises:
        ParameterError: a form holds no file, or more than one, or is damaged.
    """
    media_type = _media_type(request.headers.get("content-type"))
    if media_type != FORM:
        return RequestBody(await request.body(), media_type)
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            files = [part for part in form.values() if isinstance(part, UploadFile)]
            if len(files) != 1:
                raise ParameterError("body", "the form must hold one file")
            return RequestBody(await files[0].read(), _media_type(files[0].content_type))
    except HTTPException as error:
        raise ParameterError("body", f"the form must hold one file and nothing else: {error.detail}") from error


def _media_type(header: str | None) -> str:
    return (header or "").partition(";")[0].strip().lower()


Body = Annotated[RequestBody, Depends(request_body)]


def described_body(examples: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a required body, by an example for each media type."""
    return {"requestBody": {"required": True, "content": dict(map(_described, examples, examples.values()))}}


def _described(media_type: str, example: object) -> tuple[str, dict[str, Any]]:
    if media_type == FORM:
        file = {"type": "string", "contentMediaType": "application/octet-stream", "description": example}
        return media_type, {"schema": {"type": "object", "required": ["file"], "properties": {"file": file}}}
    if isinstance(example, list):
        schema: dict[str, Any] = {"type": "array", "items": {"type": ["string", "integer"]}}
    else:
        schema = {"type": "string" if isinstance(example, str) else "object"}
    return media_type, {"schema": schema, "example": example}
