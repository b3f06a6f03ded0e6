"""`/v1/exports`: slices of the catalogue as files that a worker writes, to be fetched in pieces if need be."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.context import FIXED, Context, documented, version_headers
from app.api.documentation import described_problem
from app.api.models import examples
from app.api.models.exports import ExportAnswer, ExportRequest, export_answer
from app.api.models.queries import NoQuery, PartQuery
from app.api.sections import SENT, SectionResponse, kept_file
from app.domain.clients import client_of
from app.services.exports import arguments_of

router = APIRouter(prefix="/v1/exports", tags=["catalogue"])

Number = Annotated[int, Path(ge=1, lt=2**31, description="number of an export: that of its job", examples=[15])]
Nothing = Annotated[NoQuery, Query()]


@router.post(
    "",
    status_code=202,
    response_model=ExportAnswer,
    responses=documented(examples.QUEUED_EXPORT, "The export; its `url` says when it is written", status=202)
    | {
        409: described_problem("The same file is being written already; the answer names the job"),
        413: described_problem("The body is too long"),
        429: described_problem("As many of your exports as may be are under way, or are kept; see `Retry-After`"),
    },
)
def start(context: Context, _: Nothing, body: ExportRequest) -> Response:
    """Have the catalogue or a slice of it written to a file; the body has the parameters of /v1/catalog."""
    exports = context.factory.exports()
    version = exports.version(body.slice, body.number)
    wanted = arguments_of(body.slice, body.kind, version)
    number = context.factory.requests().export(wanted, client=client_of(context.request.scope))
    job, _written = exports.get(number)
    response = context.json(export_answer(job, None, context.base_url), version)
    response.status_code = 202
    response.headers["Location"] = f"{context.base_url}/v1/exports/{number}"
    return response


@router.get("/{export_id}", response_model=ExportAnswer, responses=documented(examples.EXPORT, "The export"))
def export(context: Context, _: Nothing, export_id: Number) -> Response:
    """An export as it stands; when it is written, where its file is, how large, and its SHA-256."""
    job, written = context.factory.exports().get(export_id)
    return context.json(export_answer(job, written, context.base_url), job.arguments["version"])


_NOT_YET: dict[int | str, dict[str, Any]] = {409: described_problem("It is not written yet, or could not be")}


@router.get("/{export_id}/file", response_class=Response, responses=SENT | _NOT_YET)
def file(context: Context, _: Nothing, export_id: Number) -> Response:
    """The file of an export; `Range` gives a part of it, so that a download that broke off goes on where it was."""
    return kept_file(context.factory.exports().file(export_id), FIXED)


@router.get("/{export_id}/hats/{name:path}", response_class=Response, responses=SENT | _NOT_YET)
def part(
    context: Context,
    _: Annotated[PartQuery, Query()],
    export_id: Number,
    name: Annotated[str, Path(description="name of a file in the HATS folder", examples=["hats.properties"])],
) -> Response:
    """A file of a HATS folder, or a part of it by `Range`; LSDB opens the folder at its URL."""
    written, section = context.factory.exports().section(export_id, name)
    headers = {
        **version_headers(written.version),
        "ETag": f'"{written.sha256[:32]}-{section.crc:08x}"',
        "Cache-Control": FIXED,
    }
    return SectionResponse(section, headers)
