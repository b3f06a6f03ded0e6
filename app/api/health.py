"""`/healthz` and `/readyz`: whether the process lives, and whether it can answer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict

from app.api.context import Context, documented
from app.api.errors import problem
from app.api.models import examples

router = APIRouter(tags=["health"])


class Alive(TypedDict):
    """The process lives."""

    status: str


class Ready(TypedDict):
    """The service can answer."""

    ready: bool
    schema: str
    expected_schema: str
    version: int
    problems: list[str]
    workers: Annotated[int | None, Field(description="workers that gave a sign of life in the last minute")]
    worker_seen_at: datetime | None


@router.get("/healthz", response_model=Alive)
async def healthz(context: Context) -> Response:
    """Whether the process lives."""
    return context.json({"status": "ok"}, None)


@router.get("/readyz", response_model=Ready, responses=documented(examples.READY, "Requests can be answered"))
def readyz(context: Context) -> Response:
    """Whether requests can be answered: the database is there, has the right schema, and a version is published."""
    found = context.factory.health().readiness()
    state = {"ready": not found.problems, **asdict(found)}
    if found.problems:
        title = "The service is not ready"
        return problem(503, "urn:sos:problem:not-ready", title, "; ".join(found.problems), **state)
    return context.json(state, found.version)
