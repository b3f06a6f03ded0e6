"""`/v1/catalog`: the homogenized catalogue or a slice of it, in pages or as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.context import Context, documented
from app.api.files import FileResponse
from app.api.models import examples
from app.api.models.pages import StarPage
from app.api.models.queries import CatalogQuery

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get("/catalog", response_model=StarPage, responses=documented(examples.CATALOG, "A page of stars, or a file"))
def catalog(context: Context, query: Annotated[CatalogQuery, Query()]) -> Response:
    """The whole catalogue or a slice: pages of JSON, or all rows as CSV, Parquet, Arrow or JSON lines, streamed."""
    downloads, wanted = context.factory.downloads(), query.slice
    if query.file is None:
        return context.page("stars", downloads.catalogue_page(wanted, query.page, query.number), fixed=query.fixed)
    opening = downloads.catalogue(wanted, query.file, query.number)
    return FileResponse(opening, query.file, "catalog", fixed=query.fixed)
