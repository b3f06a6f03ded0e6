"""`/v1/jobs`: what runs in the background, how far it is, live if wanted; and how it is stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
import orjson
from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query
from fastapi.sse import format_sse_event
from starlette.responses import Response, StreamingResponse

from app.api.access import Admin, admin_router, administers
from app.api.context import Context, RequestContext, documented
from app.api.models import examples
from app.api.models.jobs import JobAnswer, JobDetail, JobList, JobsQuery, job_answer, job_detail, log_answer
from app.api.models.queries import NoQuery
from app.domain.access import Scope
from app.services.jobs import Jobs

LOOK_S = 0.5
SILENCE_S = 15.0
"""After so long without news a comment is sent, so that nobody in between takes the connection for dead."""

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
cancelling = admin_router(under="/v1/jobs", tag="jobs")

Number = Annotated[int, Path(ge=1, lt=2**31, description="number of a job", examples=[12])]
Nothing = Annotated[NoQuery, Query()]


@router.get("", response_model=JobList, responses=documented(examples.JOBS, "A page of jobs"))
def jobs(context: Context, query: Annotated[JobsQuery, Query()]) -> Response:
    """Jobs, newest first."""
    page = context.factory.jobs().newest(limit=query.limit, before=query.after, state=query.job_state)
    following = None if page.next is None else context.next_url(str(page.next), None)
    found = [job_answer(job, context.base_url) for job in page.jobs]
    answer = {"count": len(found), "truncated": page.next is not None, "next": following, "jobs": found}
    return context.json(answer, None)


@router.get("/{job_id}", response_model=JobDetail, responses=documented(examples.JOB, "The job"))
def job(context: Context, _: Nothing, job_id: Number) -> Response:
    """A job as it stands: how much of its stage is done, rate, end as it looks now, steps, last lines of its log."""
    return context.json(job_detail(context.factory.jobs().get(job_id), context.base_url), None)


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "Events until the job has ended", "content": {"text/event-stream": {}}}},
)
async def events(
    context: Context,
    _: Nothing,
    job_id: Number,
    last_event_id: Annotated[str | None, Header(description="last line of the log that the client has")] = None,
) -> Response:
    """A job live: `job` whenever something has changed, `log` for each line, `end` when it has ended."""
    after = int(last_event_id) if last_event_id and last_event_id.isdigit() and len(last_event_id) < 19 else 0
    service = context.factory.jobs()
    await to_thread.run_sync(service.get, job_id)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_news(service, context, job_id, after), media_type="text/event-stream", headers=headers)


@cancelling.delete(
    "/{job_id}", response_model=JobAnswer, responses=documented(examples.CANCELLED_JOB, "The cancelled job")
)
@administers("job.cancel", Scope.CALIBRATE, "job {job_id}")
def cancel(context: Context, admin: Admin, _: Nothing, job_id: Number) -> Response:
    """Stop a job at whatever it does, within seconds; what is not complete is gone."""
    ended = context.factory.requests().cancel(job_id, f"cancelled by {admin.key.name}")
    return context.json(job_answer(ended, context.base_url), None)


async def _news(service: Jobs, context: RequestContext, job_id: int, after: int) -> AsyncIterator[bytes]:
    before, silent = b"", 0.0
    while True:
        found = await to_thread.run_sync(lambda: service.get(job_id, after=after))  # noqa: B023 - awaited at once
        for line in found.log:
            after = line.line_id
            yield _event("log", orjson.dumps(log_answer(line)), number=after)
        now = orjson.dumps(job_answer(found.job, context.base_url))
        if now != before or found.log:
            before, silent = now, 0.0
            yield _event("end" if found.job.state.ended else "job", now)
        if found.job.state.ended:
            return
        if silent >= SILENCE_S:
            silent = 0.0
            yield b": still there\n\n"
        await anyio.sleep(LOOK_S)
        silent += LOOK_S


def _event(kind: str, data: bytes, number: int | None = None) -> bytes:
    return format_sse_event(data_str=data.decode(), event=kind, id=None if number is None else str(number))
