"""`/v1/match`: a user's table with homogenized columns joined."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.bodies import TOO_LARGE, Body, described_body
from app.api.context import Context
from app.api.files import CONTENTS, FileResponse
from app.api.models.queries import MatchQuery

router = APIRouter(prefix="/v1", tags=["stars"])

_EXAMPLE = "name,ra,dec\nsome star,132.8646,11.8235\n"
_MATCHED = """name,ra,dec,separation_arcsec,n_candidates,teff,teff_lower,teff_upper
some star,132.8646,11.8235,1.2,1,4811.3,4788,4835.1
"""
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The table with the columns of its stars",
        "content": CONTENTS | {"text/csv": {"schema": {"type": "string"}, "example": _MATCHED}},
    }
}
_UPLOADS = {
    "text/csv": _EXAMPLE,
    "application/octet-stream": "a CSV, ECSV, VOTable, FITS or Parquet file",
    "multipart/form-data": "a CSV, ECSV, VOTable, FITS or Parquet file",
}


@router.post("/match", responses=_FILES | TOO_LARGE, openapi_extra=described_body(_UPLOADS), response_class=Response)
def match(context: Context, query: Annotated[MatchQuery, Query()], body: Body) -> Response:
    """A table of positions or ids with the columns of its stars joined: every row and column comes back, in order."""
    wanted = query.request
    return FileResponse(context.factory.matches().join(body.content, wanted), "match")
