"""`/v1/stars/{id}/provenance` and `/v1/versions/{v}/provenance`: where numbers come from, as PROV-JSON."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from starlette.responses import Response

from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.provenance import ProvAnswer
from app.api.models.queries import ReadQuery, version_number
from app.api.stars import Name
from app.api.versions import Nothing, Number
from app.domain.stars import parse_star_id

router = APIRouter(prefix="/v1")

SUFFIX = "/provenance"

_EXAMPLE = documented(examples.PROVENANCE, "The document")


@router.get("/stars/{id:path}" + SUFFIX, response_model=ProvAnswer, responses=_EXAMPLE, tags=["stars"])
async def of_star(
    context: Context,
    query: Annotated[ReadQuery, Query()],
    id: Name,  # noqa: A002 - the name of the contract
) -> Response:
    """Every value of a star back to survey rows, file checksums, models, plan and code, as W3C PROV-JSON."""
    star = await context.factory.catalog().star(parse_star_id(id), query.number)
    document = await to_thread.run_sync(context.factory.provenance().of_star, star)
    return context.json(document, star.version, fixed=query.fixed)


@router.get("/versions/{v}" + SUFFIX, response_model=ProvAnswer, responses=_EXAMPLE, tags=["versions"])
def of_version(context: Context, _: Nothing, v: Number) -> Response:
    """How a version was made, from survey files to the published catalogue, as W3C PROV-JSON."""
    found, document = context.factory.provenance().of_version(version_number(v))
    return context.json(document, found)
