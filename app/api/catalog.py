"""`/v1/catalog`: the homogenized catalogue or a slice of it, in pages or as a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.context import Context, RequestContext
from app.api.files import FileResponse, documented_table
from app.api.models import examples
from app.api.models.pages import StarPage
from app.api.models.queries import CatalogQuery
from app.domain.catalog import Slice

router = APIRouter(prefix="/v1", tags=["catalogue"])


@router.get(
    "/catalog", response_model=StarPage, responses=documented_table(examples.CATALOG, "A page of stars, or a file")
)
def catalog(context: Context, query: Annotated[CatalogQuery, Query()]) -> Response:
    """The whole catalogue or a slice: pages of JSON, or all rows as a file, streamed."""
    return stars_answer(context, query, query.slice)


def stars_answer(context: RequestContext, query: CatalogQuery, wanted: Slice, name: str = "catalog") -> Response:
    """Return a slice of the catalogue as the query wants it: a page, or a file of this name."""
    downloads = context.factory.downloads()
    if query.file is None:
        return context.page("stars", downloads.catalogue_page(wanted, query.page, query.number), fixed=query.fixed)
    opening = downloads.catalogue(wanted, query.file, query.number)
    return FileResponse(opening, name, fixed=query.fixed)
