"""`/v1/cone`: stars in a part of the sky."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.pages import StarPage
from app.api.models.queries import ConeQuery

router = APIRouter(prefix="/v1", tags=["stars"])


@router.get("/cone", response_model=StarPage, responses=documented(examples.CONE, "The stars, nearest first"))
async def cone(context: Context, query: Annotated[ConeQuery, Query()]) -> Response:
    """Stars in a cone, nearest first, each with its distance from the centre; right at the poles and across RA 0."""
    rows = await context.factory.catalog().cone(query.cone, query.page, query.number)
    return context.page("stars", rows, fixed=query.fixed)
