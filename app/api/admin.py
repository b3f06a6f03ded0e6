"""`/v1/admin`: calibrations, publication, ingestion; every call needs a key, and is on record."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from app.api.access import Admin, admin_router, administers, private
from app.api.context import Context, RequestContext, documented
from app.api.models import examples
from app.api.models.jobs import JobAnswer, NewCalibration, Publication, Served, job_answer
from app.api.models.queries import NoQuery
from app.domain.access import Scope
from app.services.access import require

router = admin_router()

Version = Annotated[int, Path(ge=1, lt=2**31, description="number of a version", examples=[3])]
Nothing = Annotated[NoQuery, Query()]
QUEUED = documented(examples.QUEUED_JOB, "The job; its `url` says how far it is, its `events` live", status=202)


@router.post("/calibrations", status_code=202, response_model=JobAnswer, responses=QUEUED)
@administers("calibration.start", Scope.CALIBRATE)
def calibrate(context: Context, admin: Admin, _: Nothing, body: NewCalibration) -> Response:
    """Start a recalibration as a job; the plan is checked against the data before anything is queued."""
    if body.publish:
        require(admin.key, Scope.PUBLISH)
    requests = context.factory.requests()
    wanted = requests.calibration(body.plan, publish=body.publish, reuse=body.reuse, like=body.like)
    return queued(context, admin, requests.calibrate(wanted, requested_by=admin.key.name))


@router.post("/crossmatch", status_code=202, response_model=JobAnswer, responses=QUEUED)
@administers("crossmatch.start", Scope.INGEST)
def crossmatch(context: Context, admin: Admin, _: Nothing) -> Response:
    """Match all measurements to stars as a job, after files were taken in; what is served stays as it is."""
    return queued(context, admin, context.factory.requests().crossmatch(requested_by=admin.key.name))


@router.post("/versions/{v}/validate", status_code=202, response_model=JobAnswer, responses=QUEUED)
@administers("version.validate", Scope.CALIBRATE, "version {v}")
def validate(context: Context, admin: Admin, _: Nothing, v: Version) -> Response:
    """Judge a version again as a job."""
    return queued(context, admin, context.factory.requests().validate(v, requested_by=admin.key.name))


@router.post(
    "/versions/{v}/publish", response_model=Served, responses=documented(examples.SERVED, "It is served from now on")
)
@administers("version.publish", Scope.PUBLISH, "version {v}")
def publish(context: Context, admin: Admin, _: Nothing, v: Version, body: Publication | None = None) -> Response:
    """Serve a version from now on: readers see the old one whole or the new one whole, at any moment."""
    force = body is not None and body.force
    before = context.factory.requests().publish(v, force=force)
    admin.parameters["previous"] = before
    return private({"version": v, "previous": before})


@router.post(
    "/versions/{v}/rollback", response_model=Served, responses=documented(examples.SERVED, "It is served again")
)
@administers("version.rollback", Scope.PUBLISH, "version {v}")
def rollback(context: Context, admin: Admin, _: Nothing, v: Version) -> Response:
    """Serve a version again that was served before."""
    before = context.factory.requests().rollback(v)
    admin.parameters["previous"] = before
    return private({"version": v, "previous": before})


def queued(context: RequestContext, admin: Admin, job_id: int) -> Response:
    """Return the answer to a request that has become a job, and put its number on record."""
    admin.parameters["job"] = job_id
    answer = job_answer(context.factory.jobs().get(job_id).job, context.base_url)
    response = private(answer, 202)
    response.headers["Location"] = answer["url"]
    return response
