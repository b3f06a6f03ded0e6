"""`/v1/convert`: stars on one survey's scale in, the unified scale's or another survey's out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.bodies import TOO_LARGE, Body, described_body
from app.api.context import Context
from app.api.files import FileResponse, documented_table
from app.api.models import examples
from app.api.models.conversion import Conversion, ConvertQuery, conversion_answer
from app.domain.conversions import parse_stars

router = APIRouter(prefix="/v1", tags=["stars"])

_UPLOADS = {
    "application/json": examples.CONVERSION_REQUEST,
    "text/csv": "name,teff,logg,feh,snr\nsome star,4790,2.43,-0.21,85\n",
    "application/octet-stream": "a CSV, ECSV, VOTable, FITS or Parquet file",
    "multipart/form-data": "a CSV, ECSV, VOTable, FITS or Parquet file",
}


@router.post(
    "/convert",
    response_model=Conversion,
    responses=documented_table(examples.CONVERSION, "Every row on the scale that is wanted, in order") | TOO_LARGE,
    openapi_extra=described_body(_UPLOADS),
)
def convert(context: Context, query: Annotated[ConvertQuery, Query()], body: Body) -> Response:
    """Up to 100,000 stars put from one survey's scale on the unified one, or on another survey's, with 68 % intervals.

    A JSON body names the scales and has the stars; a table comes back with columns added, its scales stand in the URL.
    """
    conversion = context.factory.conversion()
    if body.is_json:
        query.no_columns()
        given = parse_stars(body.content)
        converted = conversion.stars(given.columns, query.request(given.source, given.target))
    else:
        converted = conversion.table(body.content, query.request())
    if query.format == "json" or (query.format is None and body.is_json):
        return context.json(conversion_answer(converted), converted.version)
    return FileResponse(conversion.file(converted, query.file), "convert")
