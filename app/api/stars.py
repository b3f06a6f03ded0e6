"""`/v1/stars`: one star, and why its values are what they are; or many stars at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.bodies import TOO_LARGE, Body, described_body
from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.pages import StarList
from app.api.models.queries import ReadQuery, StarsQuery
from app.api.models.stars import StarAnswer, star_answer
from app.domain.id_lists import parse_ids
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


@router.post(
    "/stars",
    response_model=StarList,
    responses=documented(examples.STARS, "The stars, in the order of the list") | TOO_LARGE,
    openapi_extra=described_body(
        {
            "application/json": ["gaia:604906737317927296", "sos:42", "galah_dr3:131217003901002"],
            "text/csv": "id\ngaia:604906737317927296\nsos:42\n",
            "multipart/form-data": "a file with one identifier a line",
        }
    ),
)
def stars(context: Context, query: Annotated[StarsQuery, Query()], body: Body) -> Response:
    """Up to 10,000 stars by their identifiers, a JSON list or a file of one column; those without a star are listed."""
    ids = parse_ids(body.text("ids"), as_json=body.is_json)
    found = context.factory.star_lists().find(ids, query.chosen, query.number)
    return context.star_list(found)
