"""`/v1/homogenize`: a user's whole table put on the unified scale like a survey; nothing of it is published."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.bodies import TOO_LARGE, Body, described_body
from app.api.context import JSON, Context, documented
from app.api.documentation import described_problem
from app.api.models import homogenize_examples as examples
from app.api.models.homogenize import (
    HomogenizeAnswer,
    HomogenizeQuery,
    LookAnswer,
    homogenize_answer,
    look_answer,
)
from app.api.models.queries import NoQuery
from app.api.sections import SENT, kept_file
from app.domain.clients import client_of

router = APIRouter(prefix="/v1/homogenize", tags=["stars"])

PRIVATE = "private, no-cache"
"""What is in a user's table is nobody else's: no cache on the way may keep it."""

Token = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{32}$",
        description="id of a table, from the answer that took it in",
        examples=["5d3c0f7c9d2e4b8aa1f06c1f6f2f4a31"],
    ),
]
Nothing = Annotated[NoQuery, Query()]

_UPLOADS = {
    "text/csv": "name,gaia_dr3_source_id,teff,logg,feh,teff_err\nsome star,604906737317927296,4790,2.43,-0.21,60\n",
    "application/octet-stream": "a CSV, ECSV, VOTable, FITS or Parquet file",
    "multipart/form-data": "a CSV, ECSV, VOTable, FITS or Parquet file",
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: described_problem("There is no such table: it was deleted, its time was over, or it never was")
}
_NOT_YET: dict[int | str, dict[str, Any]] = {
    409: described_problem("The table is not homogenized yet, or could not be; says why")
}
_STARTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "With `dry_run`: what is understood of the table",
        "model": LookAnswer,
        "content": {JSON: {"example": examples.LOOK}},
    },
    404: described_problem("There is no such version"),
    409: described_problem("You are having the same table homogenized already; the answer names the job"),
    429: described_problem("As many of your tables as may be are being homogenized, or are kept; see `Retry-After`"),
}


@router.post(
    "",
    status_code=202,
    response_model=HomogenizeAnswer,
    responses=documented(examples.QUEUED_TABLE, "The table; its `url` says how far it is", status=202)
    | _STARTED
    | TOO_LARGE,
    openapi_extra=described_body(_UPLOADS),
)
def start(context: Context, query: Annotated[HomogenizeQuery, Query()], body: Body) -> Response:
    """Have a whole table put on the unified scale: matched, fitted to the stars in common, judged, and given back.

    The columns are found by UCD and name, or named; `dry_run` shows what is found and starts nothing.
    """
    tables = context.factory.user_surveys()
    look = tables.look(body.content, query.request)
    if query.dry_run:
        return _private(context.json(look_answer(look), look.version))
    client = client_of(context.request.scope)
    found = tables.get(context.factory.user_requests().homogenize(body.content, look, client=client))
    answer = homogenize_answer(found, context.base_url)
    response = _private(context.json(answer, look.version))
    response.status_code = 202
    response.headers["Location"] = answer["url"]
    return response


@router.get(
    "/{table_id}", response_model=HomogenizeAnswer, responses=documented(examples.TABLE, "The table") | _UNKNOWN
)
def table(context: Context, _: Nothing, table_id: Token) -> Response:
    """A table as it stands; when it is homogenized, what came of it and where the file and the report are."""
    found = context.factory.user_surveys().get(table_id)
    return _private(context.json(homogenize_answer(found, context.base_url), found.look.version))


@router.get(
    "/{table_id}/report",
    response_model=dict[str, Any],
    responses=documented(examples.TABLE_REPORT, "The report") | _UNKNOWN | _NOT_YET,
)
def report(context: Context, _: Nothing, table_id: Token) -> Response:
    """The whole report: models and why, offsets, scatter, trends and coverage on held-out stars, software, warnings."""
    version, found = context.factory.user_surveys().report(table_id)
    return _private(context.json(found, version))


@router.get("/{table_id}/file", response_class=Response, responses=SENT | _UNKNOWN | _NOT_YET)
def file(context: Context, _: Nothing, table_id: Token) -> Response:
    """The table with every row and column that it had, its stars, and its values on the unified scale."""
    return kept_file(context.factory.user_surveys().file(table_id), PRIVATE)


@router.delete("/{table_id}", status_code=204, response_class=Response, responses=_UNKNOWN)
def discard(context: Context, _: Nothing, table_id: Token) -> Response:
    """Stop what is done with a table, and remove everything that there is of it at once."""
    context.factory.user_requests().discard(table_id)
    return Response(status_code=204)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = PRIVATE
    return response
