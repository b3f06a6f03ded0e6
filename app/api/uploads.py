"""`/v1/admin/surveys/{name}/ingest`: a survey's file, uploaded or named, is taken in as a job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from anyio import CancelScope, to_thread
from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from app.api.access import Admin, AuditedRoute, admin_router, administers
from app.api.admin import QUEUED, queued
from app.api.context import Context, RequestContext
from app.api.models.jobs import JobAnswer
from app.domain.access import Scope
from app.domain.errors import ParameterError, TooLargeError
from app.pipeline.uploads import Upload

BLOCK = 1 << 20


class UploadRoute(AuditedRoute):
    """A call that takes files; the setting says how large they may be."""

    largest_body_mib = 1 << 20


router = admin_router("/surveys", route_class=UploadRoute)
Survey = Annotated[str, Path(pattern="^[a-z][a-z0-9_]*$", max_length=60, description="name of a survey")]


class IngestQuery(BaseModel):
    """How an upload is taken in."""

    model_config = ConfigDict(extra="forbid")

    filename: str = Field(
        "", max_length=200, description="name of the file, where the request's body is the file itself"
    )
    replace: bool = Field(False, description="first take out what other files brought into the survey")


class ServerFile(BaseModel):
    """A file that is on the server already."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=1000, description="path of a file below the folder SOS_INCOMING")


_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": ServerFile.model_json_schema(), "example": {"path": "dr5/lamost.fits"}},
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
        "application/octet-stream": _BINARY,
    },
}


@router.post(
    "/{name}/ingest",
    status_code=202,
    response_model=JobAnswer,
    responses=QUEUED,
    openapi_extra={"requestBody": _BODY},
)
@administers("survey.ingest", Scope.INGEST, "survey {name}")
async def ingest(
    context: Context, admin: Admin, request: Request, name: Survey, query: Annotated[IngestQuery, Query()]
) -> Response:
    """Take a file into a survey as a job: one on the server (JSON, `path`), or one that is uploaded.

    An upload is the body itself, its name in `filename`, or the part `file` of a form.
    """
    requests = context.factory.requests()
    options: dict[str, Any] = {"replace": query.replace, "requested_by": admin.key.name}
    if _kind(request) == "application/json":
        path = _server_file(await request.body()).path
        admin.parameters["path"] = path
        job = await to_thread.run_sync(lambda: requests.ingest_named(path, name, **options))
    else:
        await to_thread.run_sync(requests.insist_on_survey, name)
        upload = await _received(request, query.filename, context)
        admin.parameters |= {"filename": upload.path.name, "bytes": upload.size, "sha256": upload.sha256}
        job = await to_thread.run_sync(lambda: requests.ingest_upload(upload, name, **options))
    return await to_thread.run_sync(queued, context, admin, job)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _server_file(body: bytes) -> ServerFile:
    try:
        return ServerFile.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        form = 'the body must be {"path": "FILE"}, or the file itself'
        raise ParameterError(name, f"{first['msg']}; {form}") from error


async def _received(request: Request, filename: str, context: RequestContext) -> Upload:
    """Write an upload to its folder, block by block; nothing is left of one that is cut off or too large."""
    blocks, form_name = await _blocks(request)
    upload = await to_thread.run_sync(context.factory.new_upload, filename or form_name)
    try:
        async for block in blocks:
            _insist_on_size(upload.size + len(block), context.factory.largest_upload)
            await to_thread.run_sync(upload.write, block)
        _insist_on_content(upload)
        await to_thread.run_sync(upload.close)
    except BaseException:
        with CancelScope(shield=True):
            await to_thread.run_sync(upload.discard)
        raise
    finally:
        await request.close()
    return upload


def _insist_on_size(size: int, most: int) -> None:
    if size > most:
        raise TooLargeError("file", f"may have {most >> 20} MiB at most (SOS_INGEST_LIMIT_MIB)")


def _insist_on_content(upload: Upload) -> None:
    if not upload.size:
        raise ParameterError("file", "is empty")


async def _blocks(request: Request) -> tuple[AsyncIterator[bytes], str]:
    """Return the blocks of the file that a request brings, and its name where the request says one."""
    if _kind(request) != "multipart/form-data":
        return request.stream(), ""
    form = await request.form(max_files=1, max_fields=1)
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ParameterError("file", "the form has no part `file` with a file in it")
    return _pieces(file), file.filename or ""


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while block := await file.read(BLOCK):
        yield block
