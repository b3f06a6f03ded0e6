"""`/v1/stars`: one star, and why its values are what they are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.queries import ReadQuery
from app.api.models.stars import StarAnswer, star_answer
from app.domain.stars import parse_star_id

router = APIRouter(prefix="/v1", tags=["stars"])

Name = Annotated[
    str,
    Path(
        description="`gaia:604906737317927296`, `SURVEY:OBJECT` with the survey's own id, `sos:42`, "
        "or a Gaia DR3 id of 15 digits or more",
        examples=["gaia:604906737317927296"],
    ),
]


@router.get("/stars/{id:path}", response_model=StarAnswer, responses=documented(examples.STAR, "The star"))
async def star(
    context: Context,
    query: Annotated[ReadQuery, Query()],
    id: Name,  # noqa: A002 - the name of the contract
) -> Response:
    """One star: homogenized Teff, log g and [Fe/H] with 68 % intervals, and every measurement behind them."""
    found = await context.factory.catalog().star(parse_star_id(id), query.number)
    return context.json(star_answer(found), found.version, fixed=query.fixed)
