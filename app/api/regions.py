"""`/v1/cone` and `/v1/region`: stars in a part of the sky."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.bodies import TOO_LARGE, Body, described_body
from app.api.catalog import stars_answer
from app.api.context import Context, documented
from app.api.files import documented_table
from app.api.models import examples
from app.api.models.pages import StarPage
from app.api.models.queries import CatalogQuery, ConeQuery, RegionQuery
from app.domain.pixels import PixelSet

router = APIRouter(prefix="/v1", tags=["stars"])


@router.get("/cone", response_model=StarPage, responses=documented(examples.CONE, "The stars, nearest first"))
async def cone(context: Context, query: Annotated[ConeQuery, Query()]) -> Response:
    """Stars in a cone, nearest first, each with its distance from the centre; right at the poles and across RA 0."""
    rows = await context.factory.catalog().cone(query.cone, query.page, query.number)
    return context.page("stars", rows, fixed=query.fixed)


@router.get(
    "/region", response_model=StarPage, responses=documented_table(examples.REGION, "A page of stars, or a file")
)
def region(context: Context, query: Annotated[RegionQuery, Query()]) -> Response:
    """Stars in a polygon, box, MOC or HEALPix pixel, by number; takes every filter and format of the catalogue."""
    return stars_answer(context, query, query.slice, "region")


@router.post(
    "/region",
    response_model=StarPage,
    responses=documented_table(examples.REGION, "A page of stars, or a file") | TOO_LARGE,
    openapi_extra=described_body(
        {"text/plain": "5/1074 6/4253 4320-4321", "application/json": {"5": [1074], "6": [4253]}}
    ),
)
def large_region(context: Context, query: Annotated[CatalogQuery, Query()], body: Body) -> Response:
    """Stars in a MOC that is too long for a URL, sent as the body (ASCII or JSON); `next` takes the same body again."""
    moc = PixelSet.moc(body.text("moc"))
    wanted = query.slice
    return stars_answer(context, query, replace(wanted, regions=(*wanted.regions, moc)), "region")
